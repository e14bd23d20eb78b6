namespace DistillOnnx.Training.Trainer;

/// <summary>What the label loss is.</summary>
public enum LabelLoss
{
    /// <summary><see cref="ClosedSet"/> in step-by-step on a task with a closed set, otherwise <see cref="Tokens"/>.</summary>
    Auto,

    /// <summary>Cross-entropy over the vocabulary, a mean over the labels' tokens: the paper's.</summary>
    Tokens,

    /// <summary>−ln of the label's probability within its closed set, a mean over labels: what is served, and measured.</summary>
    ClosedSet,
}
