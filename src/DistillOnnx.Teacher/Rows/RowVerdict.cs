namespace DistillOnnx.Teacher.Rows;

/// <summary>What becomes of a row.</summary>
internal enum RowVerdict
{
    /// <summary>Its rationale is kept.</summary>
    Kept,

    /// <summary>No answer gave a label.</summary>
    Unparsable,

    /// <summary>The answer was cut by the limit of output tokens, also after the limit was raised.</summary>
    Cut,

    /// <summary>The answer has a label but no reasons, or next to none.</summary>
    NoReasons,

    /// <summary>The reasons conclude on another label than the answer.</summary>
    Contradicts,

    /// <summary>The rationale is too long.</summary>
    TooLong,

    /// <summary>Too few samples agree.</summary>
    Disagreement,

    /// <summary>The teacher's label is not the gold label, and that was asked for.</summary>
    Wrong,

    /// <summary>The teacher could not or would not answer.</summary>
    Failed,

    /// <summary>The run ended before the row's turn.</summary>
    NotAsked,
}
