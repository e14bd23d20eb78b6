using DistillOnnx.Training.Engines;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Optimizers;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// What is to be known of a step: its losses and the norm of its gradient. A device that computes while the program goes on is asked for
/// all of it at once, when the next step is under way, so that it never waits for the program.
/// </summary>
/// <param name="step">The step's number, from 0.</param>
/// <param name="rows">Its rows.</param>
/// <param name="rate">Its learning rate.</param>
internal sealed class StepFigures(int step, IReadOnlyList<TrainingRow> rows, double rate) : IDisposable
{
    private readonly List<PendingLoss> _losses = [];
    private Tensor? _pendingNorm;
    private double _norm;

    /// <summary>The step's number, from 0.</summary>
    public int Step { get; } = step;

    /// <summary>Its rows.</summary>
    public IReadOnlyList<TrainingRow> Rows { get; } = rows;

    /// <summary>Its learning rate.</summary>
    public double Rate { get; } = rate;

    /// <summary>Whether reading waits for nothing.</summary>
    public bool IsKnown => _pendingNorm is null && _losses.TrueForAll(l => l.Sums is null);

    /// <summary>Adds the losses of a micro-batch.</summary>
    /// <param name="loss">The losses.</param>
    public void Add(PendingLoss loss) => _losses.Add(loss);

    /// <summary>The losses; waits for the device.</summary>
    public StepLoss ReadLoss() => _losses.Aggregate(default(StepLoss), (sum, loss) => sum + loss.Read());

    /// <summary>Replaces the losses by those of all processes.</summary>
    /// <param name="loss">The losses of all.</param>
    public void Replace(StepLoss loss)
    {
        foreach (var own in _losses) own.Dispose();
        _losses.Clear();
        _losses.Add(PendingLoss.Known(loss));
    }

    /// <summary>Measures the gradient's norm and sees to it that it does not exceed a bound.</summary>
    /// <param name="gradients">float32 [parameters]; on a device other than the CPU they are scaled.</param>
    /// <param name="bound">The largest norm allowed; 0: any.</param>
    /// <returns>What the optimizer is still to multiply the gradients with.</returns>
    public double Clip(Tensor gradients, double bound)
    {
        if (gradients.device_type != TorchSharp.DeviceType.CPU)
        {
            _pendingNorm = GradientNorm.ClipOnDevice(gradients, bound);
            return 1;
        }

        _norm = GradientNorm.Of(gradients);
        return GradientNorm.ClipScale(_norm, bound);
    }

    /// <summary>Everything, with at most one wait for the device.</summary>
    public (StepLoss Loss, double Norm) Read()
    {
        if (IsKnown) return (ReadLoss(), _norm);
        using var scope = NewDisposeScope();
        var pending = _losses.Where(l => l.Sums is not null).ToList();
        var figures = PendingLoss.Fetch(
            cat([.. pending.Select(l => l.Sums!), .. _pendingNorm is null ? Array.Empty<Tensor>() : [_pendingNorm]]));
        var loss = default(StepLoss);
        var at = 0;
        foreach (var part in _losses)
        {
            loss += part.Sums is null ? part.Read() : part.With(figures.AsSpan(at, part.Count));
            if (part.Sums is not null) at += part.Count;
        }

        return (loss, _pendingNorm is null ? _norm : figures[at]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var loss in _losses) loss.Dispose();
        _pendingNorm?.Dispose();
    }
}
