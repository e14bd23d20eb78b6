using DistillOnnx.Export.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>A bare matrix product in the same engine, with the weight as a constant: the rate that an encoder can hope for.</summary>
internal sealed class MatrixProduct : IDisposable
{
    private static readonly RunOptions Options = new();
    private readonly InferenceSession _session;
    private readonly OrtValue _input;
    private readonly OrtValue _output;

    /// <summary>[rows, inner]·[inner, columns].</summary>
    /// <param name="rows">Rows of the input.</param>
    /// <param name="inner">Columns of the input.</param>
    /// <param name="columns">Columns of the weight.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="integers">Whether it is a product in eight bits, as int8 graphs have it.</param>
    public MatrixProduct(int rows, int inner, int columns, int threads, bool integers = false)
    {
        Name = FormattableString.Invariant($"{(integers ? "int8 " : "")}product {rows}×{inner}×{columns}");
        Operations = 2.0 * rows * inner * columns;
        var random = new Random(1);
        float[] Fill(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];
        var graph = new GraphBuilder("product");
        var a = graph.Input("a", ElementType.Float, rows, inner);
        sbyte[] Eight() => [.. Enumerable.Range(0, inner * columns).Select(_ => (sbyte)random.Next(-64, 65))];
        var product = integers
            ? graph.Node(
                "com.microsoft.DynamicQuantizeMatMul", [a, graph.Constant(Eight(), inner, columns), graph.Constant(Fill(columns), columns)])
            : graph.MatMul(a, graph.Constant(Fill(inner * columns), inner, columns));
        graph.Output(product, "c", ElementType.Float, rows, columns);
        var path = Path.Combine(Directory.CreateTempSubdirectory("distillonnx-gemm-").FullName, "product.onnx");
        OnnxWriter.Write(path, graph, new Dictionary<string, string>(), OnnxWriter.DefaultExternalThreshold);
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        _session = new InferenceSession(path, options);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        _input = OrtValue.CreateTensorValueFromMemory(Fill(rows * inner), [rows, inner]);
        _output = OrtValue.CreateTensorValueFromMemory(new float[rows * columns], [rows, columns]);
    }

    public string Name { get; }

    /// <summary>Floating-point operations of a run.</summary>
    public double Operations { get; }

    public void Run() => _session.Run(Options, ["a"], [_input], ["c"], [_output]);

    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
        _session.Dispose();
    }
}
