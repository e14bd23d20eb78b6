namespace DistillOnnx.Stages.Reports;

/// <summary>An axis of a plot.</summary>
/// <param name="Name">What it measures, with its unit.</param>
/// <param name="From">Its least value.</param>
/// <param name="To">Its largest value; above <paramref name="From"/>.</param>
public sealed record SvgAxis(string Name, double From, double To);
