namespace DistillOnnx.Toolchain.Inspect;

/// <summary>A split as a student's tokenizer reads it.</summary>
public sealed record TokenFacts
{
    /// <summary>Tokens of an input with the task's prefix and its end token, before it is cut.</summary>
    public required LengthFacts? Lengths { get; init; }

    /// <summary>The task's <c>max_input_tokens</c>, or what training uses where the task says none.</summary>
    public required int Limit { get; init; }

    /// <summary>Rows longer than <see cref="Limit"/>, which are cut.</summary>
    public required long Cut { get; init; }

    /// <summary>The first of them.</summary>
    public required IReadOnlyList<RowExample> CutExamples { get; init; }

    /// <summary>Rows whose input has a piece that the tokenizer lacks.</summary>
    public required long UnknownInputs { get; init; }

    /// <summary>Rows whose label has a piece that the tokenizer lacks.</summary>
    public required long UnknownLabels { get; init; }

    /// <summary>The first of both; the size is that of unknown pieces.</summary>
    public required IReadOnlyList<RowExample> UnknownExamples { get; init; }
}
