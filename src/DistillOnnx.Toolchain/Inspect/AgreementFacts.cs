namespace DistillOnnx.Toolchain.Inspect;

/// <summary>How often the teacher's label is the gold label by the task's metric.</summary>
/// <param name="Rows">Rows that have both.</param>
/// <param name="Equal">Rows on which they are the same answer.</param>
public sealed record AgreementFacts(long Rows, long Equal)
{
    /// <summary>The fraction of one.</summary>
    public double Share => Math.Round((double)Equal / Math.Max(1, Rows), 4);
}
