using DistillOnnx.Core;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Toolchain.Export;

/// <summary>An exported graph, run as a stranger would run it: by the names of its inputs and outputs alone.</summary>
internal sealed class GraphUnderTest : IDisposable
{
    private readonly InferenceSession _session;
    private readonly string _path;

    public GraphUnderTest(string path, int threads)
    {
        _path = path;
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        try
        {
            _session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{path}: ONNX Runtime cannot load the exported graph: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Whether the graph has an input of this name.</summary>
    public bool Has(string input) => _session.InputMetadata.ContainsKey(input);

    /// <summary>Runs the graph and returns all its outputs by name; the caller disposes them.</summary>
    public IReadOnlyDictionary<string, OrtValue> Run(IReadOnlyDictionary<string, OrtValue> inputs)
    {
        var names = _session.OutputNames;
        try
        {
            using var run = new RunOptions();
            var outputs = _session.Run(run, inputs, names);
            return names.Select((name, i) => (name, value: outputs[i])).ToDictionary(o => o.name, o => o.value, StringComparer.Ordinal);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidOperationException($"{_path}: the exported graph failed: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    public void Dispose() => _session.Dispose();
}
