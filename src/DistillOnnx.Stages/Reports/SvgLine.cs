namespace DistillOnnx.Stages.Reports;

/// <summary>A line of a plot.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">Its points, in drawing order.</param>
public sealed record SvgLine(string Name, IReadOnlyList<(double X, double Y)> Points);
