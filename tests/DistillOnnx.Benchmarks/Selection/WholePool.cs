namespace DistillOnnx.Benchmarks.Selection;

/// <summary>What a set's student can learn: whether choosing its rows can be seen at all.</summary>
/// <param name="Chance">Accuracy without reading the input.</param>
/// <param name="First">Accuracy with the first rows.</param>
/// <param name="Rows">Rows of the pool.</param>
/// <param name="Accuracy">Accuracy with all of them.</param>
/// <param name="TestRows">Rows measured on.</param>
internal sealed record WholePool(double Chance, double First, int Rows, double Accuracy, int TestRows)
{
    /// <summary>
    /// Whether all rows of the pool take the student past chance, by three standard errors of the test rows. Where they do not,
    /// no choice of a part of them can be told from another.
    /// </summary>
    public bool Learns => Accuracy > Chance + (3 * Math.Sqrt(Chance * (1 - Chance) / TestRows));
}
