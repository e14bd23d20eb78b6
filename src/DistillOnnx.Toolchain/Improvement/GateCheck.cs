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

    /// <summary>Whether that is below the gate's level, and <see cref="Apart"/> does not outweigh it.</summary>
    public required bool Worse { get; init; }

    /// <summary>
    /// Where the rows of a class are answered worse: all rows, counted as right where a student tells them rightly as of this class or
    /// as of another. The class is not worse where the same test says that the new student is better at that.
    /// </summary>
    public GateCheck? Apart { get; init; }
}
