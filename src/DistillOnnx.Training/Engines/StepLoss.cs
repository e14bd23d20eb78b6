namespace DistillOnnx.Training.Engines;

/// <summary>Losses of the two parts as sums over their target tokens, in nats; what is counted is <c>TrainingSequence.Count</c>.</summary>
/// <param name="LabelSum">Summed over label tokens.</param>
/// <param name="LabelTokens">How many there were; of labels of a closed set, how many labels.</param>
/// <param name="RationaleSum">Summed over rationale tokens.</param>
/// <param name="RationaleTokens">How many there were.</param>
internal readonly record struct StepLoss(double LabelSum, long LabelTokens, double RationaleSum, long RationaleTokens)
{
    /// <summary>Mean over label tokens; 0 where there were none.</summary>
    public double Label => LabelTokens == 0 ? 0 : LabelSum / LabelTokens;

    /// <summary>Mean over rationale tokens; null where there were none.</summary>
    public double? Rationale => RationaleTokens == 0 ? null : RationaleSum / RationaleTokens;

    /// <summary>Whether both sums are numbers.</summary>
    public bool IsFinite => double.IsFinite(LabelSum) && double.IsFinite(RationaleSum);

    /// <summary>Adds up.</summary>
    /// <param name="a">One.</param>
    /// <param name="b">The other.</param>
    public static StepLoss operator +(StepLoss a, StepLoss b) =>
        new(a.LabelSum + b.LabelSum, a.LabelTokens + b.LabelTokens, a.RationaleSum + b.RationaleSum, a.RationaleTokens + b.RationaleTokens);
}
