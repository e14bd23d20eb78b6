namespace DistillOnnx.Data.Completions;

/// <summary>Why a completion gave no label.</summary>
public enum CompletionFault
{
    /// <summary>It gave one.</summary>
    None,

    /// <summary>There is no text.</summary>
    Empty,

    /// <summary>The text never comes to its answer: no marker such as <c>The answer is</c>.</summary>
    NoAnswer,

    /// <summary>The answer holds no equation in parentheses.</summary>
    NoEquation,

    /// <summary>The answer names no choice by its letter in parentheses.</summary>
    NoChoice,

    /// <summary>The answer is none of the task's labels.</summary>
    UnknownLabel,
}
