namespace DistillOnnx.Training.MicroBatches;

/// <summary>One thing to learn: what the encoder reads and what the decoder is to write.</summary>
/// <param name="Source">Token ids of the input, prefix and end token included.</param>
/// <param name="Target">Token ids of the output, end token included; of a closed set only those up to the last that others could stand
/// for.</param>
/// <param name="Part">The loss that it counts towards.</param>
/// <param name="Weight">What its target tokens weigh in that loss, relative to those of other sequences; above 0.</param>
/// <param name="Allowed">For each target token, those that could stand in its place, itself included: the loss is then that of a softmax
/// over them, and its sum over the tokens −ln of the target's probability within a closed set. Null: any of the vocabulary.</param>
/// <param name="Once">Whether it has one share of a step's loss, whatever its target's length, and not one for each token.</param>
internal sealed record TrainingSequence(
    int[] Source, int[] Target, LossPart Part, double Weight = 1, IReadOnlyList<int[]>? Allowed = null, bool Once = false)
{
    /// <summary>What it counts for where a mean is reported: its target's tokens, or one where the target is one of a closed set.</summary>
    public int Count => Allowed is null ? Target.Length : 1;

    /// <summary>What it counts for in the mean that is a step's loss.</summary>
    public int Share => Once ? 1 : Count;

    /// <summary>Tokens that the model works on: those of the source and of the target.</summary>
    public int Tokens => Source.Length + Target.Length;
}
