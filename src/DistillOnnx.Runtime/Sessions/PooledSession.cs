using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>A session on the processor that knows the threads of its pool.</summary>
internal sealed class PooledSession : InferenceSession
{
    public PooledSession(string path, SessionOptions options, PoolThreads threads)
        : base(path, options) => Threads = threads;

    public PooledSession(byte[] model, SessionOptions options, PrePackedWeightsContainer packed, PoolThreads threads)
        : base(model, options, packed) => Threads = threads;

    /// <summary>The threads.</summary>
    public PoolThreads Threads { get; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) Threads.Dispose();
    }
}
