namespace DistillOnnx.Training.Trainer;

/// <summary>Whose labels a student learns.</summary>
public enum LabelSource
{
    /// <summary>The dataset's own.</summary>
    Gold,

    /// <summary>The teacher's: distillation, which needs no labelled data.</summary>
    Teacher,
}
