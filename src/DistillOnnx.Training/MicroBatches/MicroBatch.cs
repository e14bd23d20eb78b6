namespace DistillOnnx.Training.MicroBatches;

/// <summary>
/// The sequences that go through the model together, and what a target token of each part weighs in the step's loss. The
/// weights are those of the whole step, so that any cut into micro-batches gives the same gradient.
/// </summary>
/// <param name="Sequences">At least one.</param>
/// <param name="LabelWeight">Weight of a label's token: α over the label tokens of the step, or over its labels where each counts once,
/// each counted with its sequence's weight.</param>
/// <param name="RationaleWeight">Weight of a rationale's token: 1 − α over the rationale tokens of the step, counted likewise.</param>
internal sealed record MicroBatch(IReadOnlyList<TrainingSequence> Sequences, double LabelWeight, double RationaleWeight)
{
    /// <summary>Tokens that the model works on.</summary>
    public int Tokens { get; } = Sequences.Sum(s => s.Tokens);

    /// <summary>What each target token of a sequence weighs in the step's loss.</summary>
    /// <param name="sequence">The sequence.</param>
    public double TokenWeight(TrainingSequence sequence) =>
        sequence.Weight * (sequence.Part == LossPart.Label ? LabelWeight : RationaleWeight);

    /// <summary>
    /// Cuts the rows of a step into micro-batches: labels before rationales, whose targets are several times as long, each in order of
    /// length; as few as the budget allows, and of those cuts one whose largest micro-batch is small.
    /// </summary>
    /// <param name="rows">The rows of the step.</param>
    /// <param name="tokenBudget">Most tokens of a micro-batch, padding to its longest source and target counted; a single sequence may
    /// exceed it.</param>
    /// <param name="labelWeight">Weight of the label loss, a mean weighted by sequence over its target tokens, or over labels.</param>
    /// <param name="rationaleWeight">Weight of the rationale loss, a mean weighted by sequence over its target tokens.</param>
    /// <param name="share">Which of several equal shares of the sequences to cut; their weights stay those of the whole step.</param>
    /// <param name="shares">Number of shares.</param>
    public static IReadOnlyList<MicroBatch> Cut(
        IEnumerable<TrainingRow> rows, int tokenBudget, double labelWeight, double rationaleWeight, int share = 0, int shares = 1)
    {
        var all = rows.SelectMany(r => r.Sequences)
            .OrderBy(s => s.Part).ThenBy(s => Math.Max(s.Source.Length, s.Target.Length)).ThenBy(s => s.Source.Length).ToList();
        double Mean(LossPart part, double weight)
        {
            var shares = all.Where(s => s.Part == part).Sum(s => s.Weight * s.Share);
            return shares == 0 ? 0 : weight / shares;
        }

        var label = Mean(LossPart.Label, labelWeight);
        var rationale = Mean(LossPart.Rationale, rationaleWeight);

        // Sorted by length and dealt out in turns, so that shares are equal in tokens too.
        var own = all.Where((_, i) => i % shares == share).ToList();

        // Within one, labels and rationales in turns: processors share a micro-batch's sequences out in stretches.
        return
        [
            .. Balanced(own, tokenBudget).Select(part => new MicroBatch(
                [.. part.OrderBy(s => s.Source.Length).ThenBy(s => s.Target.Length)], label, rationale)),
        ];
    }

    /// <summary>The cut by the smallest budget that needs no more parts than the given one.</summary>
    private static List<List<TrainingSequence>> Balanced(List<TrainingSequence> sequences, int tokenBudget)
    {
        var best = Parts(sequences, tokenBudget);
        var (low, high) = (0, tokenBudget);
        while (best.Count > 1 && high - low > 1 + (tokenBudget / 32))
        {
            var middle = low + ((high - low) / 2);
            var cut = Parts(sequences, middle);
            if (cut.Count > best.Count)
            {
                low = middle;
                continue;
            }

            (best, high) = (cut, middle);
        }

        return best;
    }

    private static List<List<TrainingSequence>> Parts(List<TrainingSequence> sequences, int tokenBudget)
    {
        var parts = new List<List<TrainingSequence>>();
        var current = new List<TrainingSequence>();
        int source = 0, target = 0;
        foreach (var sequence in sequences)
        {
            var longestSource = Math.Max(source, sequence.Source.Length);
            var longestTarget = Math.Max(target, sequence.Target.Length);
            if (current.Count > 0 && (long)(current.Count + 1) * (longestSource + longestTarget) > tokenBudget)
            {
                parts.Add(current);
                current = [];
                (longestSource, longestTarget) = (sequence.Source.Length, sequence.Target.Length);
            }

            current.Add(sequence);
            (source, target) = (longestSource, longestTarget);
        }

        if (current.Count > 0) parts.Add(current);
        return parts;
    }
}
