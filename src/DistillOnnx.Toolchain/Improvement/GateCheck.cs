namespace DistillOnnx.Toolchain.Improvement;

/// <summary>Whether a new student answers rows worse than the one that serves.</summary>
public sealed record GateCheck
{
    /// <summary>The rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows that only the new student has right.</summary>
    public required int OnlyNewRight { get; init; }

    /// <summary>Rows that only the one that serves has right.</summary>
    public required int OnlyServingRight { get; init; }

    /// <summary>
    /// How likely it is that of two equally good students the new one loses at least as many of the rows that only one has right: the
    /// one-sided p-value of the exact binomial (McNemar's) test.
    /// </summary>
    public required double P { get; init; }

    /// <summary>Whether that is below the gate's level.</summary>
    public required bool Worse { get; init; }
}
