using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// The losses of a micro-batch. On a device that computes while the program goes on, their sums are a tensor there until somebody reads
/// them, which waits for the device.
/// </summary>
internal sealed class PendingLoss : IDisposable
{
    [ThreadStatic]
    private static int _waits;

    private readonly StepLoss _known;

    private PendingLoss(StepLoss known, Tensor? sums) => (_known, Sums) = (known, sums);

    /// <summary>On the device: float32 [parts that have tokens], labels first; null where the losses are known.</summary>
    public Tensor? Sums { get; }

    /// <summary>How often this thread has waited for figures of a device.</summary>
    public static int Waits => _waits;

    /// <summary>How many numbers <see cref="Sums"/> holds.</summary>
    public int Count => (_known.LabelTokens > 0 ? 1 : 0) + (_known.RationaleTokens > 0 ? 1 : 0);

    /// <summary>Losses that are known.</summary>
    /// <param name="loss">The losses.</param>
    public static PendingLoss Known(StepLoss loss) => new(loss, null);

    /// <summary>Losses that the device computes.</summary>
    /// <param name="sums">float32 [parts that have tokens], labels first; will be disposed.</param>
    /// <param name="labelTokens">Label tokens.</param>
    /// <param name="rationaleTokens">Rationale tokens.</param>
    public static PendingLoss Of(Tensor sums, long labelTokens, long rationaleTokens) =>
        new(new StepLoss(0, labelTokens, 0, rationaleTokens), sums.DetachFromDisposeScope());

    /// <summary>The losses; waits for the device.</summary>
    public StepLoss Read()
    {
        if (Sums is null) return _known;
        return With(Fetch(Sums));
    }

    /// <summary>Fetches numbers from a device, for which it has to finish what it does.</summary>
    /// <param name="figures">float32.</param>
    public static float[] Fetch(Tensor figures)
    {
        _waits++;
        using var host = figures.cpu();
        return host.data<float>().ToArray();
    }

    /// <summary>The losses, with their sums as they were read.</summary>
    /// <param name="sums">The numbers of <see cref="Sums"/>.</param>
    public StepLoss With(ReadOnlySpan<float> sums) => _known with
    {
        LabelSum = _known.LabelTokens > 0 ? sums[0] : 0,
        RationaleSum = _known.RationaleTokens > 0 ? sums[^1] : 0,
    };

    /// <inheritdoc/>
    public void Dispose() => Sums?.Dispose();
}
