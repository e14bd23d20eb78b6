namespace DistillOnnx.Training.MicroBatches;

/// <summary>A dataset row in tokens.</summary>
/// <param name="Id">The row's id, for messages.</param>
/// <param name="Sequences">What the row teaches: one sequence, or one each for label and rationale.</param>
/// <param name="Label">The label that it teaches, where labels are a closed set; otherwise null.</param>
internal sealed record TrainingRow(string Id, IReadOnlyList<TrainingSequence> Sequences, string? Label = null)
{
    /// <summary>Tokens that the model works on.</summary>
    public int Tokens { get; } = Sequences.Sum(s => s.Tokens);
}
