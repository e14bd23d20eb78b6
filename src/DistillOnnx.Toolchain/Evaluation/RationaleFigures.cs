namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>How a student's rationales compare with those of the rows.</summary>
/// <param name="Compared">Rows that have a rationale to compare with.</param>
/// <param name="RougeL">Mean F1 of the longest common sequence of words over these rows; null where there are none.</param>
/// <param name="Empty">Rows, of all, for which the student wrote nothing.</param>
/// <param name="MeanWords">Mean length of the student's rationales over all rows, in words.</param>
/// <param name="Examples">Rationales of the first rows.</param>
public sealed record RationaleFigures(int Compared, double? RougeL, int Empty, double MeanWords, IReadOnlyList<RationaleExample> Examples);
