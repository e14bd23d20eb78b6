using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Devices;

namespace DistillOnnx.Hosting.Batching;

/// <summary>The limits within which batches form.</summary>
internal sealed record BatchOptions
{
    // What a lane takes at a time at least, so that the decoder's weights are not read for a row or two.
    private const int LeastLaneTokens = 128;

    /// <summary>Most rows of a batch.</summary>
    public int MaxRows { get; init; } = 32;

    /// <summary>Most tokens of a batch, padding counted; a single longer row is a batch of its own.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>
    /// What a batch costs beside its tokens, in tokens: reading the decoder's weights once, for which a processor takes as
    /// long as for some 16 tokens of T5-small's encoder.
    /// </summary>
    public int OverheadTokens => Math.Max(1, MaxTokens / 32);

    /// <summary>Most rows that may wait.</summary>
    public int MaxQueueRows { get; init; } = 1024;

    /// <summary>Whether all calls are one caller's, who may fill the queue; else each caller leaves a share of it to others.</summary>
    public bool OneCaller { get; init; }

    /// <summary>How long a batch that is not full waits for more rows. Zero: a batch is what gathered while the last one ran.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.Zero;

    /// <summary>Batches that run at the same time.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>Whether a lane has threads of its own, and a batch that runs alone those of all lanes.</summary>
    public bool SideBySide { get; init; }

    /// <summary>Most tokens of a batch on a lane: together, the lanes take about as long as one batch on all threads.</summary>
    public int LaneTokens => SideBySide ? Math.Max(MaxTokens / Lanes, Math.Min(LeastLaneTokens, MaxTokens)) : MaxTokens;

    /// <summary>Most tokens that run at the same time.</summary>
    public int TokensAtOnce => SideBySide ? Math.Max(MaxTokens, Lanes * LaneTokens) : MaxTokens;

    /// <summary>
    /// How many rows, in the order of their turn, are looked at when a batch forms: more make batches that are more even,
    /// and let a row be overtaken by more.
    /// </summary>
    public int Lookahead => Math.Max(64, 2 * MaxRows);

    /// <summary>The options that an operator's limits come to.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="onGpu">Whether the model runs on a GPU.</param>
    public static BatchOptions Of(BatchLimits limits, bool onGpu)
    {
        var device = RunLimits.ForCallers(onGpu ? DeviceKind.Cuda : DeviceKind.Cpu);
        return new BatchOptions
        {
            // A batch that waits to be full must be one that can be.
            MaxRows = limits.Rows > 0 ? limits.Rows : Math.Min(device.Rows, limits.QueueRows),
            MaxTokens = limits.Tokens > 0 ? limits.Tokens : device.Tokens,
            MaxQueueRows = limits.QueueRows,
            Wait = limits.Wait,
            Lanes = limits.Lanes > 0 ? limits.Lanes : onGpu ? 1 : RuntimeOptions.LanesFor(limits.Threads),
        };
    }

    /// <summary>
    /// The same for a model that is loaded, which may have no lanes. A GPU without lanes gets two batches at a time: while it runs one, the
    /// next is laid out and the last is read.
    /// </summary>
    /// <param name="limits">The limits.</param>
    /// <param name="predictor">The model.</param>
    public static BatchOptions Of(BatchLimits limits, IServedPredictor predictor) => predictor.Lanes > 1
        ? Of(limits, predictor.OnGpu) with { Lanes = predictor.Lanes, SideBySide = true }
        : Of(limits, predictor.OnGpu) with { Lanes = limits.Lanes > 0 ? limits.Lanes : predictor.OnGpu ? 2 : 1 };
}
