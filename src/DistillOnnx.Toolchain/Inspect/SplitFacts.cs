namespace DistillOnnx.Toolchain.Inspect;

/// <summary>What a split holds.</summary>
public sealed record SplitFacts
{
    /// <summary>Rows.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows without a gold label.</summary>
    public required long WithoutLabel { get; init; }

    /// <summary>Rows without a rationale.</summary>
    public required long WithoutRationale { get; init; }

    /// <summary>Rows without a teacher's label.</summary>
    public required long WithoutTeacherLabel { get; init; }

    /// <summary>Rows of each gold label: all of a closed set, else the most frequent.</summary>
    public required IReadOnlyDictionary<string, long> Labels { get; init; }

    /// <summary>Rows of labels that are not listed.</summary>
    public required long OtherLabels { get; init; }

    /// <summary>Rows whose input (with its choices) an earlier row of the split has.</summary>
    public required long DuplicateRows { get; init; }

    /// <summary>The first of the repeated inputs.</summary>
    public required IReadOnlyList<RepeatedInput> Duplicates { get; init; }

    /// <summary>Inputs (with their choices) that have more than one gold label.</summary>
    public required long ConflictingInputs { get; init; }

    /// <summary>The first of them.</summary>
    public required IReadOnlyList<RepeatedInput> Conflicts { get; init; }

    /// <summary>Words of the rationales; null where there are none.</summary>
    public LengthFacts? RationaleWords { get; init; }

    /// <summary>Agreement of teacher and gold; null where no row has both.</summary>
    public AgreementFacts? Agreement { get; init; }

    /// <summary>The same for each gold label that is listed.</summary>
    public required IReadOnlyDictionary<string, AgreementFacts> AgreementByLabel { get; init; }

    /// <summary>The longest inputs, in characters.</summary>
    public required IReadOnlyList<RowExample> Longest { get; init; }

    /// <summary>What the student's tokenizer makes of it; null where none was named.</summary>
    public TokenFacts? Tokens { get; init; }
}
