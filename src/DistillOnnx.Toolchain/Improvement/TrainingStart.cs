namespace DistillOnnx.Toolchain.Improvement;

/// <summary>What a round's training begins from.</summary>
public enum TrainingStart
{
    /// <summary>The checkpoint that serves: that of the last round that passed the gate.</summary>
    Last,

    /// <summary>The student that the first round began from; every round learns all annotated rows anew.</summary>
    First,
}
