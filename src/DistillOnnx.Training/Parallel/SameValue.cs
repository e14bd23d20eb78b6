namespace DistillOnnx.Training.Parallel;

/// <summary>Compares a number between the processes of a group.</summary>
internal static class SameValue
{
    private const int Parts = 4;
    private const int PartBits = 16;

    /// <summary>
    /// Whether all processes have a number of the same bits; all of them get the same answer. The bits are summed in parts of 16 and as
    /// the squares of these: such sums are exact in doubles, whatever their order, where the sum of equal doubles is rounded.
    /// </summary>
    /// <param name="workers">The group, whose processes all call this.</param>
    /// <param name="value">This process's number.</param>
    public static bool IsSameEverywhere(this IWorkerGroup workers, double value)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var sums = new double[2 * Parts];
        for (var i = 0; i < Parts; i++)
        {
            double part = (bits >> (i * PartBits)) & ((1UL << PartBits) - 1);
            (sums[i], sums[Parts + i]) = (part, part * part);
        }

        workers.Sum(sums);

        // By the inequality of Cauchy and Schwarz, count · Σx² = (Σx)² where all x are equal, and nowhere else.
        for (var i = 0; i < Parts; i++)
        {
            var (sum, squares) = ((Int128)sums[i], (Int128)sums[Parts + i]);
            if (workers.Count * squares != sum * sum) return false;
        }

        return true;
    }
}
