namespace DistillOnnx.Data.Metrics;

/// <summary>How well one label of a closed set is found.</summary>
/// <param name="Precision">Share of the answers with this label that are right; 0 where the label was never answered.</param>
/// <param name="Recall">Share of the label's gold rows that were answered with it; 0 where it has no gold rows.</param>
/// <param name="F1">Harmonic mean of precision and recall; 0 where both are.</param>
/// <param name="Support">Gold rows of this label.</param>
public sealed record ClassFigures(double Precision, double Recall, double F1, int Support);
