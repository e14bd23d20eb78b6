namespace DistillOnnx.Data.Metrics;

/// <summary>Whether two models' answers to the same rows differ by more than chance (McNemar 1947).</summary>
public static class McNemar
{
    /// <summary>
    /// The two-sided exact binomial p-value: how likely a split at least this uneven is, of the rows that only one of two equally
    /// good models has right.
    /// </summary>
    /// <param name="onlyFirst">Rows that only the first model has right.</param>
    /// <param name="onlySecond">Rows that only the second model has right.</param>
    /// <returns>Between 0 and 1; 1 where there are no such rows.</returns>
    public static double ExactP(int onlyFirst, int onlySecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(onlyFirst);
        ArgumentOutOfRangeException.ThrowIfNegative(onlySecond);
        double rows = (double)onlyFirst + onlySecond;
        var fewer = Math.Min(onlyFirst, onlySecond);
        // In logarithms, for one half to the power of all rows is soon less than the smallest double.
        var term = -rows * Math.Log(2);
        var tail = Math.Exp(term);
        for (var i = 0; i < fewer; i++)
        {
            term += Math.Log((rows - i) / (i + 1));
            tail += Math.Exp(term);
        }

        return Math.Min(1, 2 * tail);
    }
}
