namespace DistillOnnx.Teacher.Answers;

/// <summary>Why an answer gave no label.</summary>
public enum AnswerFault
{
    /// <summary>It gave one.</summary>
    None,

    /// <summary>There is no text, or nothing but thoughts.</summary>
    Empty,

    /// <summary>It was cut by the limit of output tokens.</summary>
    Cut,

    /// <summary>The text never names an answer.</summary>
    NoAnswer,

    /// <summary>The answer is none of the labels or choices.</summary>
    UnknownLabel,

    /// <summary>The answer names several labels, or negates one.</summary>
    Ambiguous,

    /// <summary>The answer is no arithmetic expression.</summary>
    NoEquation,
}
