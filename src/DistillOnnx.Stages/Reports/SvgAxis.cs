namespace DistillOnnx.Stages.Reports;

/// <summary>An axis of a plot.</summary>
/// <param name="Name">What it measures, with its unit.</param>
/// <param name="From">Its least value.</param>
/// <param name="To">Its largest value; above <paramref name="From"/>.</param>
public sealed record SvgAxis(string Name, double From, double To)
{
    /// <summary>An axis from 0 that ends at or above a value, where its ticks are round numbers.</summary>
    /// <param name="name">What it measures, with its unit.</param>
    /// <param name="largest">The largest value.</param>
    public static SvgAxis FromZero(string name, double largest)
    {
        if (!(largest > 0) || !double.IsFinite(largest)) return new SvgAxis(name, 0, 1);
        var step = largest / SvgChart.Ticks;
        var power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        var round = ((double[])[1, 2, 2.5, 4, 5, 10]).First(r => r * power >= step * (1 - 1e-9));
        return new SvgAxis(name, 0, round * power * SvgChart.Ticks);
    }
}
