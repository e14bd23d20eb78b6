using DistillOnnx.Export.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Export.Tests;

/// <summary>A graph in ONNX Runtime, for comparing what it computes.</summary>
internal sealed class OnnxGraph : IDisposable
{
    private readonly InferenceSession _session;

    private OnnxGraph(InferenceSession session) => _session = session;

    public IReadOnlyDictionary<string, NodeMetadata> Inputs => _session.InputMetadata;

    public IReadOnlyDictionary<string, NodeMetadata> Outputs => _session.OutputMetadata;

    /// <summary>Opens a file.</summary>
    public static OnnxGraph Open(string path)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        return new OnnxGraph(new InferenceSession(path, options));
    }

    /// <summary>Writes a graph to a temporary file and opens it.</summary>
    public static OnnxGraph Of(GraphBuilder graph)
    {
        var directory = Directory.CreateTempSubdirectory("distillonnx-graph-").FullName;
        try
        {
            var path = Path.Combine(directory, "graph.onnx");
            OnnxWriter.Write(path, graph, new Dictionary<string, string>());
            return Open(path);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Runs the graph for all outputs.</summary>
    /// <param name="inputs">Arrays of float, long or bool with their shapes.</param>
    public Dictionary<string, Tensor> Run(params (string Name, Array Values, long[] Shape)[] inputs)
    {
        var values = inputs.Select(i => i.Values switch
        {
            long[] v => OrtValue.CreateTensorValueFromMemory(v, i.Shape),
            bool[] v => OrtValue.CreateTensorValueFromMemory(v, i.Shape),
            var v => OrtValue.CreateTensorValueFromMemory((float[])v, i.Shape),
        }).ToArray();
        using var options = new RunOptions();
        var names = _session.OutputNames.ToArray();
        using var results = _session.Run(options, [.. inputs.Select(i => i.Name)], values, names);
        var outputs = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
            outputs[names[i]] = new Tensor(Floats(results[i]), results[i].GetTensorTypeAndShape().Shape);
        foreach (var value in values) value.Dispose();
        return outputs;
    }

    public void Dispose() => _session.Dispose();

    private static float[] Floats(OrtValue value) => value.GetTensorTypeAndShape().ElementDataType == TensorElementType.Float16
        ? [.. value.GetTensorDataAsSpan<Float16>().ToArray().Select(h => (float)BitConverter.UInt16BitsToHalf(h.value))]
        : value.GetTensorDataAsSpan<float>().ToArray();

    /// <summary>Values with their shape.</summary>
    internal sealed record Tensor(float[] Values, long[] Shape);
}
