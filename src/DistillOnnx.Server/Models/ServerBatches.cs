using DistillOnnx.Hosting.Batching;

namespace DistillOnnx.Server.Models;

/// <summary>The limits of batches that a server's options ask for.</summary>
internal static class ServerBatches
{
    public static BatchLimits Limits(ServerOptions options) => new()
    {
        QueueRows = options.QueueRows,
        Rows = options.BatchRows,
        Tokens = options.BatchTokens,
        Wait = TimeSpan.FromMilliseconds(options.BatchWaitMs),
        Lanes = options.Lanes,
        Threads = options.Inference.Threads,
    };
}
