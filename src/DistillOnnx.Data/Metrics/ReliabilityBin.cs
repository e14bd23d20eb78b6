namespace DistillOnnx.Data.Metrics;

/// <summary>The answers whose claimed probability lies in one range.</summary>
/// <param name="Low">Lower end of the range.</param>
/// <param name="High">Upper end of the range.</param>
/// <param name="Rows">Answers in it.</param>
/// <param name="Probability">Their mean claimed probability; 0 where there are none.</param>
/// <param name="Accuracy">Share of them that are right; 0 where there are none.</param>
public sealed record ReliabilityBin(double Low, double High, int Rows, double Probability, double Accuracy);
