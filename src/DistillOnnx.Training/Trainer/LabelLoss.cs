namespace DistillOnnx.Training.Trainer;

/// <summary>What the label loss is.</summary>
public enum LabelLoss
{
    /// <summary><see cref="Labels"/> in step-by-step on a task with a closed set, otherwise <see cref="Tokens"/>.</summary>
    Auto,

    /// <summary>Cross-entropy over the vocabulary, a mean over the labels' tokens: the paper's.</summary>
    Tokens,

    /// <summary>
    /// Cross-entropy over the vocabulary, summed over a label's tokens, a mean over labels: −ln of the label's probability. Most tokens
    /// of a label follow from its first, so a mean over tokens says the less of it the longer it is.
    /// </summary>
    Labels,

    /// <summary>−ln of the label's probability within its closed set, a mean over labels: what is served, and measured.</summary>
    ClosedSet,
}
