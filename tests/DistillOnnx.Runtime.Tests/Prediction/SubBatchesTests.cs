using CsCheck;
using DistillOnnx.Runtime.Prediction;

namespace DistillOnnx.Runtime.Tests.Prediction;

public sealed class SubBatchesTests
{
    private static readonly Gen<(int[] Lengths, int MaxTokens, int MaxRows)> Batches =
        Gen.Select(Gen.Int[1, 60].Array[0, 40], Gen.Int[1, 300], Gen.Int[1, 12]);

    [Fact]
    public void Plan_AnyBatch_CoversEveryRowOnceWithinTheBudgets() => Batches.Sample(b =>
    {
        var runs = SubBatches.Plan(b.Lengths, b.MaxTokens, b.MaxRows);
        return runs.SelectMany(r => r).Order().SequenceEqual(Enumerable.Range(0, b.Lengths.Length))
            && runs.All(r => r.Length == 1 || (r.Length <= b.MaxRows && r.Length * r.Max(i => b.Lengths[i]) <= b.MaxTokens));
    });

    [Fact]
    public void Plan_AnyBatch_CostsNoMoreThanOneRunPerRowOrOneRunForAll() => Batches.Sample(b =>
    {
        var runs = SubBatches.Plan(b.Lengths, b.MaxTokens, b.MaxRows);
        var cost = runs.Sum(r => (r.Length * r.Max(i => b.Lengths[i])) + 16);
        var apart = b.Lengths.Sum(l => l + 16);
        var together = b.Lengths.Length == 0 ? 0 : (b.Lengths.Length * b.Lengths.Max()) + 16;
        var fits = b.Lengths.Length <= b.MaxRows && together - 16 <= b.MaxTokens;
        return cost <= apart && (!fits || cost <= together);
    });

    [Fact]
    public void Plan_ShortAndLongRows_AreKeptApart()
    {
        var runs = SubBatches.Plan([10, 200, 11, 199, 10], 4096, 64);
        Assert.Equal(2, runs.Count);
        Assert.Equal([1, 3], runs[0].Order());
        Assert.Equal([0, 2, 4], runs[1].Order());
    }

    [Fact]
    public void Split_AnyRuns_KeepsTheirOrderAndFitsTheCells() =>
        Gen.Select(Gen.Int[0, 9].Array[1, 30], Gen.Int[1, 200], Gen.Int[1, 10]).Sample((positions, most, size) =>
        {
            int[][] runs = [.. Enumerable.Range(0, positions.Length).Chunk(size)];
            var parts = SubBatches.Split(runs, positions, most);
            return parts.SelectMany(p => p).SequenceEqual(Enumerable.Range(0, positions.Length))
                && parts.All(p => runs.Any(r => r.Contains(p[0]) && r.Contains(p[^1])))
                && parts.All(p => p.Length == 1 || p.Length * p.Max(i => positions[i]) * p.Max(i => positions[i]) <= most);
        });

    [Fact]
    public void Plan_RowLongerThanTheBudget_RunsAlone() =>
        Assert.Equal([[1], [0]], SubBatches.Plan([5, 100], 20, 8));
}
