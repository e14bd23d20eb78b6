namespace DistillOnnx.Teacher.Answers;

/// <summary>Which text of a reasoning model becomes the rationale.</summary>
public enum RationaleSource
{
    /// <summary>The reasons that its answer gives.</summary>
    Answer,

    /// <summary>The thoughts before its answer.</summary>
    Thoughts,
}
