namespace DistillOnnx.Toolchain.Selection;

/// <summary>A row that k-center took.</summary>
/// <param name="Index">Its place in the shortlist.</param>
/// <param name="Distance">Its distance from the nearest row taken before it; null where there was none.</param>
/// <param name="Nearest">That row: its place in the shortlist, or −1 − its place among the rows that were there from the start; null
/// where there was none.</param>
internal readonly record struct CenterPick(int Index, double? Distance, int? Nearest);
