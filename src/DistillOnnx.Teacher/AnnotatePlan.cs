namespace DistillOnnx.Teacher;

/// <summary>Estimate of an annotation. Tokens are estimates; rows in the journal are not asked again.</summary>
public sealed record AnnotatePlan
{
    /// <summary>Rows to annotate.</summary>
    public required long Rows { get; init; }

    /// <summary>Requests for them, one a sample; repetitions and rationalisations come on top.</summary>
    public required long Requests { get; init; }

    /// <summary>How many of them the journal answers.</summary>
    public required long RequestsPaid { get; init; }

    /// <summary>Tokens of the prompts that are still to be sent.</summary>
    public required long InputTokens { get; init; }

    /// <summary>Tokens of their answers: as many each as those in the journal have on average, or else the half of the limit.</summary>
    public required long OutputTokens { get; init; }

    /// <summary>Of the answers' tokens those that will be thoughts, by their mean share in the journal; null where it
    /// counts none.</summary>
    public long? ReasoningTokens { get; init; }

    /// <summary>Price in US dollars; null where the table does not know the model.</summary>
    public double? Cost { get; init; }

    /// <summary>Minutes at the stated rates; null where none is stated.</summary>
    public double? Minutes { get; init; }

    /// <summary>What the endpoint reports about address, key and model; null where there is no endpoint.</summary>
    public string? Check { get; init; }
}
