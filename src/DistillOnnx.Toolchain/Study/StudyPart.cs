namespace DistillOnnx.Toolchain.Study;

/// <summary>What a run gave on a part of the measured rows.</summary>
/// <param name="Right">Rows that were answered rightly.</param>
/// <param name="Rows">All rows of the part.</param>
public sealed record StudyPart(int Right, int Rows);
