using DistillOnnx.Export.Onnx;
using DistillOnnx.Runtime.Kernels;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Tests.Kernels;

/// <summary>One operator in a graph of its own, by a kernel and as ONNX Runtime has it.</summary>
internal sealed class OperatorGraph : IDisposable
{
    private readonly GraphBuilder _graph = new("operator", OnnxWriter.AttentionOpset);
    private readonly List<OrtValue> _values = [];
    private readonly List<string> _inputs = [];
    private readonly List<string> _outputs = [];

    public Value Input<T>(T[] values, params long[] shape)
        where T : unmanaged
    {
        var name = $"input{_inputs.Count}";
        _inputs.Add(name);
        _values.Add(OrtValue.CreateTensorValueFromMemory(values, shape));
        return _graph.Input(name, Enum.Parse<ElementType>(Type(typeof(T))), [.. shape.Select(d => (Dim)(int)d)]);
    }

    /// <summary>Makes values of one operator the graph's outputs.</summary>
    public OperatorGraph Outputs(Func<GraphBuilder, Value[]> add, params (ElementType Type, Dim[] Shape)[] outputs)
    {
        foreach (var (value, output) in add(_graph).Zip(outputs))
        {
            var name = $"output{_outputs.Count}";
            _graph.Output(value, name, output.Type, output.Shape);
            _outputs.Add(name);
        }

        return this;
    }

    /// <summary>Runs it: bytes as they are, everything else in single precision.</summary>
    public float[][] Run(bool kernels)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 3, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        var model = Bytes();
        if (kernels)
        {
            var outline = GraphOutline.Read(model, "operator.onnx", kernels: true);
            Assert.True(outline.NeedsKernels);
            Assert.Empty(outline.Constants);
            model = outline.Model;
            KernelOperators.AddTo(options);
        }

        using var session = new InferenceSession(model, options);
        using var run = new RunOptions();
        using var results = session.Run(run, _inputs, _values, _outputs);
        return [.. results.Select(r => r.GetTensorTypeAndShape().ElementDataType == TensorElementType.UInt8
            ? r.GetTensorDataAsSpan<byte>().ToArray().Select(b => (float)b).ToArray()
            : r.GetTensorDataAsSpan<float>().ToArray())];
    }

    /// <summary>The model file.</summary>
    public byte[] Bytes()
    {
        var path = Path.GetTempFileName();
        try
        {
            OnnxWriter.Write(path, _graph, new Dictionary<string, string>());
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public void Dispose()
    {
        foreach (var value in _values) value.Dispose();
    }

    private static string Type(Type type) => type == typeof(float) ? nameof(ElementType.Float) : type.Name;
}
