namespace DistillOnnx.Teacher;

/// <summary>What the annotation of a split came to.</summary>
public sealed record AnnotatedSplit
{
    /// <summary>Rows looked at.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows with a rationale of the teacher's.</summary>
    public required long Kept { get; init; }

    /// <summary>Rows that were asked and have none, per reason in snake_case.</summary>
    public required IReadOnlyDictionary<string, long> Dropped { get; init; }

    /// <summary>Rows that were not asked, or whose answers are not complete, since the run ended before.</summary>
    public long Left { get; init; }

    /// <summary>Rows whose rationale explains a gold label that was given.</summary>
    public required long Rationalized { get; init; }

    /// <summary>Rows whose label was found within the answer's words and is not the answer itself.</summary>
    public long Mapped { get; init; }

    /// <summary>Share of the rows with a gold label for which the teacher gave it, unparsed ones counted as wrong; null
    /// where there are none.</summary>
    public double? TeacherAccuracy { get; init; }

    /// <summary>Mean share of the votes of the labels that won.</summary>
    public double? MeanVoteShare { get; init; }
}
