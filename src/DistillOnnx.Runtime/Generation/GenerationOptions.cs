namespace DistillOnnx.Runtime.Generation;

/// <summary>How text is decoded. The meanings are those of the reference's <c>generate</c>.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens decoded, the end token included and the start token not.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>Tokens decoded before the end token may come.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Hypotheses kept per input; 1: greedy.</summary>
    public int Beams { get; init; } = 1;

    /// <summary>A finished hypothesis' log-probability is divided by its length to this power.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>Whether the search for an input ends as soon as it has as many finished hypotheses as beams.</summary>
    public bool EarlyStopping { get; init; }

    /// <exception cref="ArgumentException">A value cannot be, or would not be used.</exception>
    internal void Require()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Beams, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxNewTokens, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MinNewTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MinNewTokens, MaxNewTokens);
        if (!double.IsFinite(LengthPenalty))
            throw new ArgumentOutOfRangeException(nameof(LengthPenalty), LengthPenalty, "a finite number is expected");
        if (Beams == 1 && (EarlyStopping || LengthPenalty != new GenerationOptions().LengthPenalty))
            throw new ArgumentException("LengthPenalty and EarlyStopping choose among hypotheses, and Beams = 1 keeps one");
    }
}
