using System.Runtime.InteropServices;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Runs training steps as CUDA graphs: one for each shape, recorded when the shape first comes. Some hundred kernels are then started by
/// one call, without which a small student waits for the processor.
/// </summary>
/// <param name="batches">Makes the inputs.</param>
/// <param name="step">Queues a step whose dropout is seeded already, and gives its losses.</param>
/// <param name="reporter">Receives a warning where no more is recorded for want of memory.</param>
internal sealed class StepRecorder(ScriptBatch batches, Func<ScriptInputs, Tensor> step, IReporter reporter) : IDisposable
{
    /// <summary>
    /// Most graphs; a batch of yet another shape runs without. Each holds some megabytes of the device's memory, beside what a step needs,
    /// which they share.
    /// </summary>
    private const int Most = 64;

    /// <summary>Of the memory in use when the first step has run, the part that has to be free for each further graph.</summary>
    private const int LaterParts = 8;

    private readonly Dictionary<BatchShape, Recorded> _recorded = [];
    private CudaGraph.Pool? _pool;
    private long _used;
    private bool _gaveUp;

    /// <summary>Graphs so far.</summary>
    public int Count => _recorded.Count;

    /// <summary>Runs a step; gives its losses.</summary>
    /// <param name="batch">The micro-batch.</param>
    /// <param name="seed">Of its dropout.</param>
    public Tensor Run(HostBatch batch, long seed)
    {
        // Several runs of one process share the device's random numbers.
        lock (CudaGraph.Gate)
        {
            if (Find(batch) is not { } recorded)
            {
                var inputs = batches.Send(batch);
                Seed(seed);
                return step(inputs);
            }

            batch.Arrays.CopyTo(recorded.Room);
            Seed(seed);
            recorded.Graph.Replay();

            // The next replay writes over it.
            return recorded.Losses.clone();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (CudaGraph.Gate) Clear();
    }

    private void Clear()
    {
        if (_recorded.Count > 0) cuda.synchronize();
        foreach (var recorded in _recorded.Values) recorded.Dispose();
        _recorded.Clear();
    }

    /// <summary>Seeds the device's generator: TorchSharp's <c>manual_seed</c> left it as it was.</summary>
    private static void Seed(long seed) => TorchScript.Seed.Invoke("seed", seed).Dispose();

    private Recorded? Find(HostBatch batch)
    {
        if (_recorded.TryGetValue(batch.Shape, out var found)) return found;
        if (_pool is null)
        {
            // The first step of all runs without, since libraries allocate and search when they are first used.
            _pool = CudaGraph.NewPool();
            return null;
        }

        if (_gaveUp || _recorded.Count >= Most) return null;

        // libtorch ends the process where a graph finds no memory at its end, so there has to be enough before. A step needs no more than
        // is in use after the first one; later ones share what the first graph took.
        var (free, total) = CudaGraph.Memory();
        if (_used == 0) _used = total - free;
        if (free < (_recorded.Count == 0 ? _used : _used / LaterParts)) return GiveUp("there is too little memory left for it");
        try
        {
            return _recorded[batch.Shape] = Record(batch, _pool.Value);
        }
        catch (ExternalException e)
        {
            return GiveUp(TorchScript.Fault(e));
        }
    }

    /// <summary>Frees what the graphs hold, since a step without one needs as much again.</summary>
    private Recorded? GiveUp(string why)
    {
        _gaveUp = true;
        Clear();
        reporter.Warn($"training steps are no longer recorded as CUDA graphs, which costs time with small students: {why}");
        return null;
    }

    private Recorded Record(HostBatch batch, CudaGraph.Pool pool)
    {
        var room = batch.Arrays.Room();
        var inputs = batches.Inputs(batch, room);
        Tensor? losses = null;
        var graph = CudaGraph.Record(pool, () => losses = step(inputs));
        return new Recorded(graph, room, inputs, losses!);
    }

    /// <summary>A graph and the tensors that it works on.</summary>
    private sealed class Recorded : IDisposable
    {
        private readonly Tensor[] _kept;

        public Recorded(CudaGraph graph, (Tensor Whole, Tensor Single) room, ScriptInputs inputs, Tensor losses)
        {
            (Graph, Room, Losses) = (graph, room, losses);

            // Also what others may replace by a larger one, such as the mask of later positions.
            _kept = [room.Whole, room.Single, losses, .. inputs.Sources, .. inputs.Targets, .. inputs.Parts, inputs.Sets];
            foreach (var tensor in _kept) tensor.DetachFromDisposeScope();
        }

        public CudaGraph Graph { get; }

        public (Tensor Whole, Tensor Single) Room { get; }

        public Tensor Losses { get; }

        public void Dispose()
        {
            Graph.Dispose();
            foreach (var tensor in _kept) tensor.Dispose();
        }
    }
}
