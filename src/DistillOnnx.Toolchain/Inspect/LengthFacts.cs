namespace DistillOnnx.Toolchain.Inspect;

/// <summary>How lengths are distributed.</summary>
/// <param name="Min">The least.</param>
/// <param name="Median">Half of the rows are at most this long.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="P90">Nine tenths of the rows are at most this long.</param>
/// <param name="P99">All but a hundredth of the rows are at most this long.</param>
/// <param name="Max">The greatest.</param>
public sealed record LengthFacts(int Min, int Median, double Mean, int P90, int P99, int Max);
