using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime.Devices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// A loaded graph whose inputs and outputs were checked against what it is used for; where asked, with lanes beside it:
/// sessions of fewer threads over the same weights, for runs side by side.
/// </summary>
internal sealed class GraphSession : IDisposable
{
    private readonly GraphWeights? _weights;
    private readonly List<InferenceSession> _lanes = [];

    private GraphSession(InferenceSession session, GraphWeights? weights, string path, SessionFactory factory, bool records)
    {
        Session = session;
        _weights = weights;
        Path = path;
        Records = records;
        OnGpu = factory.Device.Kind == DeviceKind.Cuda;
        DeviceIndex = factory.Device.Index;
        Shapes = factory.BindsRuns ? RunShapes.Rounded : RunShapes.AsTheyAre;
        DeviceMemory = OnGpu
            ? new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.ArenaAllocator, DeviceIndex, OrtMemType.Default)
            : OrtMemoryInfo.DefaultInstance;
    }

    /// <summary>The session that uses all threads.</summary>
    public InferenceSession Session { get; }

    /// <summary>How many runs may go side by side, each on a lane; 1: there are no lanes.</summary>
    public int Lanes { get; private set; } = 1;

    /// <summary>The graph file, for messages.</summary>
    public string Path { get; }

    /// <summary>Where results stay that only another run reads.</summary>
    public OrtMemoryInfo DeviceMemory { get; }

    /// <summary>The shapes that inputs are padded to.</summary>
    public RunShapes Shapes { get; }

    /// <summary>Whether the session runs on a GPU.</summary>
    public bool OnGpu { get; }

    /// <summary>Which GPU.</summary>
    public int DeviceIndex { get; }

    /// <summary>Whether the session records the kernels of a run, to start them all at once.</summary>
    public bool Records { get; }

    /// <summary>Why the session records no kernels although that was asked for; null: it does.</summary>
    public string? Unrecorded { get; private set; }

    /// <summary>Loads a graph and checks it.</summary>
    /// <param name="factory">Loads it.</param>
    /// <param name="path">The graph file.</param>
    /// <param name="inputs">Inputs that it must have.</param>
    /// <param name="outputs">Outputs that it must have.</param>
    /// <param name="weights">The graph's weights, for the session and its lanes; they are disposed with it. Null: the session reads its
    /// own.</param>
    /// <param name="addition">What is added to the graph; null: nothing. Not together with weights.</param>
    /// <param name="records">Whether a GPU's session records kernels: its runs are bound to memory and made by one thread. A graph that
    /// cannot be recorded is loaded all the same, and <see cref="Unrecorded"/> says why.</param>
    /// <param name="lanes">Whether it has the lanes that the options ask for, where its weights are given.</param>
    /// <exception cref="InputException">The file cannot be loaded, or lacks an input or output.</exception>
    public static GraphSession Load(
        SessionFactory factory, string path, IEnumerable<GraphPort> inputs, IEnumerable<GraphPort> outputs, GraphWeights? weights = null,
        byte[]? addition = null, bool records = false, bool lanes = false)
    {
        GraphSession? graph = null;
        try
        {
            graph = Open(factory, path, weights, addition, records && factory.Device.Kind == DeviceKind.Cuda);
            foreach (var port in inputs) graph.Check("input", port, graph.Session.InputMetadata);
            foreach (var port in outputs) graph.Check("output", port, graph.Session.OutputMetadata);
            if (lanes && weights is not null) graph.AddLanes(factory, weights);
            return graph;
        }
        catch
        {
            graph?.Dispose();
            weights?.Dispose();
            throw;
        }
    }

    /// <summary>The session of a lane; null: the one that uses all threads.</summary>
    public InferenceSession Of(int? lane) => lane is { } i && _lanes.Count > 0 ? _lanes[i % _lanes.Count] : Session;

    /// <summary>
    /// Gives back the memory of weights that every session has copied into a layout of its own. That none reads them any more
    /// is not taken on trust: they are overwritten, and where that changes an answer, read again and kept.
    /// </summary>
    /// <param name="probe">Runs a session on an input that reaches every operator.</param>
    public void ReleaseCopiedWeights(Func<InferenceSession, double[]> probe)
    {
        if (_weights is not { HoldsCopied: true }) return;
        InferenceSession[] sessions = [Session, .. _lanes];
        try
        {
            var before = Array.ConvertAll(sessions, s => probe(s));
            _weights.OverwriteCopied();
            var same = before.All(b => b.All(double.IsFinite))
                && sessions.Zip(before).All(s => probe(s.First).AsSpan().SequenceEqual(s.Second));
            if (same) _weights.ReleaseCopied();
            else _weights.RestoreCopied();
        }
        catch (InferenceException)
        {
            // A graph that fails on this input says so to whoever runs it.
            _weights.RestoreCopied();
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
        foreach (var lane in _lanes) lane.Dispose();
        _weights?.Dispose();
    }

    private static GraphSession Open(SessionFactory factory, string path, GraphWeights? weights, byte[]? addition, bool records)
    {
        GraphSession Create(bool recorded) =>
            new(factory.Create(path, factory.Threads, weights, addition, recorded), weights, path, factory, recorded);
        if (!records) return Create(recorded: false);
        try
        {
            return Create(recorded: true);
        }
        catch (InputException e)
        {
            // A graph that cannot be loaded at all says so here again.
            var graph = Create(recorded: false);
            graph.Unrecorded = e.Message;
            return graph;
        }
    }

    private void AddLanes(SessionFactory factory, GraphWeights weights)
    {
        if (factory.Lanes == 1) return;

        // A run on one thread needs nothing of a session but its weights: one session serves all such lanes.
        var sessions = factory.LaneThreads == 1 ? 1 : factory.Lanes;
        for (var i = 0; i < sessions; i++) _lanes.Add(factory.Create(Path, factory.LaneThreads, weights));
        Lanes = factory.Lanes;
    }

    private void Check(string what, GraphPort port, IReadOnlyDictionary<string, NodeMetadata> found)
    {
        if (!found.TryGetValue(port.Name, out var meta))
            throw new InputException(
                $"{Path}: expected an {what} \"{port.Name}\", found "
                    + $"{string.Join(", ", found.Keys.Take(6))}{(found.Count > 6 ? ", …" : "")}");
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
