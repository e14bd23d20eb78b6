namespace DistillOnnx.Training.Trainer;

/// <summary>What decides which evaluation's weights a checkpoint keeps, on the validation rows.</summary>
public enum SelectionMetric
{
    /// <summary>The highest accuracy by the task's metric; of equals, the lowest label loss.</summary>
    Accuracy,

    /// <summary>The highest mean F1 of the classes, each class counting alike; of equals, the lowest label loss.</summary>
    MacroF1,

    /// <summary>The lowest label loss.</summary>
    Loss,
}
