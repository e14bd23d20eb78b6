namespace DistillOnnx.Toolchain.Import.Excel;

/// <summary>A cell whose formula failed: <c>#N/A</c>, <c>#REF!</c> and the like. It is no text that a student should read.</summary>
/// <param name="Code">What the cell shows.</param>
internal sealed record CellError(string Code);
