using DistillOnnx.Core;
using DistillOnnx.Runtime.Devices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>A loaded graph whose inputs and outputs were checked against what it is used for.</summary>
internal sealed class GraphSession : IDisposable
{
    private GraphSession(InferenceSession session, string path, RuntimeDevice device)
    {
        Session = session;
        Path = path;
        LengthMultiple = device.Kind == DeviceKind.Cpu ? 1 : 16;
        DeviceMemory = device.Kind == DeviceKind.Cpu
            ? OrtMemoryInfo.DefaultInstance
            : new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.ArenaAllocator, device.Index, OrtMemType.Default);
    }

    public InferenceSession Session { get; }

    /// <summary>The graph file, for messages.</summary>
    public string Path { get; }

    /// <summary>Where results stay that only another run reads.</summary>
    public OrtMemoryInfo DeviceMemory { get; }

    /// <summary>
    /// Inputs are padded to a multiple of this. A GPU's arena keeps a block for every shape it has seen and never shrinks, so
    /// there lengths come in steps.
    /// </summary>
    public int LengthMultiple { get; }

    /// <summary>Loads a graph and checks it.</summary>
    /// <param name="factory">Loads it.</param>
    /// <param name="path">The graph file.</param>
    /// <param name="inputs">Inputs that it must have.</param>
    /// <param name="outputs">Outputs that it must have.</param>
    /// <exception cref="InputException">The file cannot be loaded, or lacks an input or output.</exception>
    public static GraphSession Load(SessionFactory factory, string path, IEnumerable<GraphPort> inputs, IEnumerable<GraphPort> outputs)
    {
        var graph = new GraphSession(factory.Create(path), path, factory.Device);
        try
        {
            foreach (var port in inputs) graph.Check("input", port, graph.Session.InputMetadata);
            foreach (var port in outputs) graph.Check("output", port, graph.Session.OutputMetadata);
            return graph;
        }
        catch
        {
            graph.Dispose();
            throw;
        }
    }

    public bool HasInput(string name) => Session.InputMetadata.ContainsKey(name);

    /// <summary>Element type of an input or output.</summary>
    public TensorElementType TypeOf(string name) =>
        (Session.InputMetadata.TryGetValue(name, out var meta) ? meta : Session.OutputMetadata[name]).ElementDataType;

    public void Dispose()
    {
        if (!ReferenceEquals(DeviceMemory, OrtMemoryInfo.DefaultInstance)) DeviceMemory.Dispose();
        Session.Dispose();
    }

    private void Check(string what, GraphPort port, IReadOnlyDictionary<string, NodeMetadata> found)
    {
        if (!found.TryGetValue(port.Name, out var meta))
            throw new InputException($"{Path}: expected an {what} \"{port.Name}\", found {string.Join(", ", found.Keys.Take(6))}{(found.Count > 6 ? ", …" : "")}");
        if (!port.Accepts(meta.ElementDataType))
            throw new InputException($"{Path}: {what} \"{port.Name}\": expected {port.TypeName}, found {meta.ElementDataType}");
        var shape = meta.Dimensions;
        if (shape.Length != port.Shape.Length)
            throw new InputException($"{Path}: {what} \"{port.Name}\": expected {port.Shape.Length} dimensions, found {shape.Length}");
        for (var i = 0; i < shape.Length; i++)
        {
            if (port.Shape[i] >= 0 && shape[i] >= 0 && shape[i] != port.Shape[i])
                throw new InputException($"{Path}: {what} \"{port.Name}\": expected dimension {i} to be {port.Shape[i]}, found {shape[i]}");
        }
    }
}
