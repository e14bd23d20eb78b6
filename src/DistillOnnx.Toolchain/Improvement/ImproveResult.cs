namespace DistillOnnx.Toolchain.Improvement;

/// <summary>What the rounds came to.</summary>
public sealed record ImproveResult
{
    /// <summary>The directory of the rounds.</summary>
    public required string Out { get; init; }

    /// <summary>The rounds, that of the start first where something served.</summary>
    public required IReadOnlyList<RoundReport> Rounds { get; init; }

    /// <summary>Why there were no more: <c>rounds</c> (all are done), <c>budget</c> (spent) or <c>pool</c> (no row is left).</summary>
    public required string Stopped { get; init; }

    /// <summary>Accuracy of what serves in the end; null where nothing does.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Accuracy of what served at the start; null where nothing did.</summary>
    public double? StartAccuracy { get; init; }

    /// <summary>Answers of the teacher.</summary>
    public required long Calls { get; init; }

    /// <summary>Their price in US dollars; null where it is not known.</summary>
    public double? Cost { get; init; }

    /// <summary>The bundle that serves, in the model folder; null where no round was let in.</summary>
    public string? Served { get; init; }

    /// <summary>Time of this run in seconds.</summary>
    public double Seconds { get; init; }
}
