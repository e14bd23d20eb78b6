namespace DistillOnnx.Toolchain.Study;

/// <summary>Training rows with which a method reaches an accuracy with one seed, as far as its runs tell.</summary>
/// <param name="Low">At least so many; 0 where the fewest rows that were tried suffice.</param>
/// <param name="High">At most so many; infinite where the most rows that were tried do not suffice.</param>
internal readonly record struct RowsNeeded(double Low, double High)
{
    /// <summary>
    /// Finds them on a curve: the first point that reaches the accuracy, and between it and the point before a straight line of accuracy
    /// over the logarithm of rows.
    /// </summary>
    /// <param name="curve">Rows and the accuracy they gave; at least one.</param>
    /// <param name="accuracy">The accuracy, a fraction of one.</param>
    public static RowsNeeded On(IEnumerable<(int Rows, double Accuracy)> curve, double accuracy)
    {
        (int Rows, double Accuracy)? before = null;
        foreach (var point in curve.OrderBy(p => p.Rows))
        {
            if (point.Accuracy < accuracy)
            {
                before = point;
                continue;
            }

            if (before is not { } last) return new RowsNeeded(0, point.Rows);
            var share = (accuracy - last.Accuracy) / (point.Accuracy - last.Accuracy);
            var rows = last.Rows * Math.Pow((double)point.Rows / last.Rows, share);
            return new RowsNeeded(rows, rows);
        }

        return new RowsNeeded(before!.Value.Rows, double.PositiveInfinity);
    }

    /// <summary>These rows over others; the ends are what is certain.</summary>
    /// <param name="others">The others.</param>
    public RowsNeeded Over(RowsNeeded others) => new(
        Low / others.High,
        others.Low == 0 ? double.PositiveInfinity : High / others.Low);
}
