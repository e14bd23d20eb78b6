namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>What a server answered.</summary>
/// <param name="Address">Where it listened.</param>
/// <param name="Labels">The labels, in the order of the texts.</param>
/// <param name="Probabilities">Their calibrated probabilities.</param>
/// <param name="MedianMilliseconds">Median time of a call.</param>
public sealed record ServedAnswers(
    string Address, IReadOnlyList<string> Labels, IReadOnlyList<double> Probabilities, double MedianMilliseconds);
