using DistillOnnx.Teacher.Prompts;

namespace DistillOnnx.Teacher;

/// <summary>What an annotation came to.</summary>
public sealed record AnnotateResult
{
    /// <summary>The dataset directory; null for a plan or a preview.</summary>
    public string? Dataset { get; init; }

    /// <summary>Whether every row was asked for.</summary>
    public bool? Complete { get; init; }

    /// <summary>Why not every row was asked for: <c>budget</c> (it is spent), <c>offline</c>, or <c>unanswered</c> (batch jobs gave no
    /// answers); null where every row was.</summary>
    public string? IncompleteReason { get; init; }

    /// <summary>Rows of all splits annotated: those kept, dropped and left.</summary>
    public long? Rows { get; init; }

    /// <summary>Rows with a rationale of the teacher's.</summary>
    public long? Kept { get; init; }

    /// <summary>Rows that were asked and have none.</summary>
    public long? Dropped { get; init; }

    /// <summary>Rows that a further run asks.</summary>
    public long? Left { get; init; }

    /// <summary>The splits annotated.</summary>
    public IReadOnlyDictionary<string, AnnotatedSplit>? Splits { get; init; }

    /// <summary>Requests sent in this run: those of <see cref="Retried"/> are among them, and those that gave no answer that can be
    /// used. A batch job's count in the run that receives its results.</summary>
    public long? Requests { get; init; }

    /// <summary>Answers that the journal holds, of this run and earlier ones.</summary>
    public long? Answers { get; init; }

    /// <summary>Of the requests those that repeat one after a fault that may pass (429, 5xx, a time-out, a cut answer).</summary>
    public long? Retried { get; init; }

    /// <summary>Tokens of prompts that the endpoint counted, for all answers the journal holds.</summary>
    public long? InputTokens { get; init; }

    /// <summary>Tokens of answers that the endpoint counted, for all answers the journal holds.</summary>
    public long? OutputTokens { get; init; }

    /// <summary>Of the answers' tokens those that were thoughts; null where the endpoint counts none.</summary>
    public long? ReasoningTokens { get; init; }

    /// <summary>Their price in US dollars; null where the table does not know the model.</summary>
    public double? Cost { get; init; }

    /// <summary>Wall time.</summary>
    public double? Seconds { get; init; }

    /// <summary>For a plan: the estimate.</summary>
    public AnnotatePlan? Plan { get; init; }

    /// <summary>For a trial: the rows with all that was asked and answered.</summary>
    public IReadOnlyList<TriedRow>? Tried { get; init; }

    /// <summary>For a preview: the prompts.</summary>
    public IReadOnlyList<PreviewedPrompt>? Preview { get; init; }
}
