namespace DistillOnnx.Toolchain.Import;

/// <summary>What the import of a split came to.</summary>
public sealed record ImportedSplit
{
    /// <summary>Rows.</summary>
    public required long Rows { get; init; }

    /// <summary>Share of the rows with a gold label for which the teacher gave it, unparsed ones counted as wrong; null
    /// without a teacher.</summary>
    public double? TeacherAccuracy { get; init; }

    /// <summary>Completions that gave no label; null without a teacher.</summary>
    public long? Unparsed { get; init; }

    /// <summary>The same per reason, in snake_case; null without a teacher.</summary>
    public IReadOnlyDictionary<string, long>? UnparsedReasons { get; init; }

    /// <summary>Rows whose teacher label cannot be right: none of the row's choices, or no arithmetic; null without a teacher.</summary>
    public long? Unanswerable { get; init; }

    /// <summary>Rows with a rationale.</summary>
    public required long Rationales { get; init; }

    /// <summary>Rows per gold label: all of a closed set, the most frequent ones of an open one.</summary>
    public required IReadOnlyDictionary<string, long> Labels { get; init; }

    /// <summary>How many different gold labels there are.</summary>
    public required long DistinctLabels { get; init; }
}
