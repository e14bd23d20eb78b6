using System.Runtime.InteropServices;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Runs training steps as CUDA graphs: one for each shape, recorded when the shape first comes. Some hundred kernels are then started by
/// one call, without which a small student waits for the processor.
/// </summary>
/// <param name="batches">Makes the inputs.</param>
/// <param name="step">Queues a step whose dropout is seeded already, and gives its losses.</param>
internal sealed class StepRecorder(ScriptBatch batches, Func<ScriptInputs, Tensor> step) : IDisposable
{
    /// <summary>Most graphs; a batch of yet another shape runs without. Each holds some megabytes of the device's memory.</summary>
    private const int Most = 64;

    private readonly Dictionary<BatchShape, Recorded> _recorded = [];
    private (ulong First, ulong Second)? _pool;
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
                var room = batch.Arrays.Room();
                batch.Arrays.CopyTo(room);
                Seed(seed);
                return step(batches.Inputs(batch, room));
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
        lock (CudaGraph.Gate)
        {
            if (_recorded.Count > 0) cuda.synchronize();
            foreach (var recorded in _recorded.Values) recorded.Dispose();
            _recorded.Clear();
        }
    }

    /// <summary>Seeds the device's generator, which TorchSharp's own functions leave as it is.</summary>
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
        try
        {
            return _recorded[batch.Shape] = Record(batch, _pool.Value);
        }
        catch (ExternalException)
        {
            // Most likely there is not enough memory for another graph: the step itself says so where it runs without.
            _gaveUp = true;
            return null;
        }
    }

    private Recorded Record(HostBatch batch, (ulong First, ulong Second) pool)
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
