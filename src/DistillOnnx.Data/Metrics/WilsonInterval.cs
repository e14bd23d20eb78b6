namespace DistillOnnx.Data.Metrics;

/// <summary>Confidence interval of a share (Wilson 1927), which stays within 0 and 1 and holds for few rows too.</summary>
public static class WilsonInterval
{
    // The 97.5 % quantile of the standard normal distribution: 2.5 % lie outside at either end.
    private const double Quantile = 1.959963984540054;

    /// <summary>The interval of a share.</summary>
    /// <param name="hits">Rows that count.</param>
    /// <param name="rows">All rows, at least one.</param>
    public static ConfidenceInterval Of(int hits, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(hits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hits, rows);
        const double square = Quantile * Quantile;
        var share = (double)hits / rows;
        var middle = share + (square / (2 * rows));
        var reach = Quantile * Math.Sqrt(((share * (1 - share)) + (square / (4.0 * rows))) / rows);
        var scale = 1 + (square / rows);
        // Rounding may leave the exact ends 0 and 1 by a hair.
        return new ConfidenceInterval(hits == 0 ? 0 : (middle - reach) / scale, hits == rows ? 1 : (middle + reach) / scale, "wilson");
    }
}
