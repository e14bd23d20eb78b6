using CsCheck;
using DistillOnnx.Hosting.Batching;

namespace DistillOnnx.Server.Tests.RequestBatching;

public sealed class BatchPlannerTests
{
    private static readonly Gen<(int[] Lengths, BatchOptions Options)> Cases = Gen.Select(
        Gen.Int[1, 200].Array[1, 100],
        Gen.Int[1, 40],
        Gen.Int[1, 3000],
        (lengths, rows, tokens) => (lengths, new BatchOptions { MaxRows = rows, MaxTokens = tokens }));

    [Fact]
    public void Plan_AnyQueue_TakesTheFirstAndStaysWithinLimits() => Cases.Sample(c =>
    {
        var plan = BatchPlanner.Plan(c.Lengths, c.Options, c.Options.MaxTokens, c.Lengths[0] % c.Lengths.Length);

        Assert.Contains(0, plan);
        Assert.Equal(plan.Length, plan.Distinct().Count());
        Assert.InRange(plan.Length, 1, c.Options.MaxRows);
        Assert.Equal(plan.Max(i => c.Lengths[i]), c.Lengths[plan[0]]);
        if (plan.Length > 1) Assert.InRange(Padded(c.Lengths, plan), 1, c.Options.MaxTokens);
    });

    [Fact]
    public void Plan_AnyQueue_NoRowMoreOrLessMakesATokenCheaper() => Cases.Sample(c =>
    {
        var plan = BatchPlanner.Plan(c.Lengths, c.Options, c.Options.MaxTokens);
        var left = Enumerable.Range(0, c.Lengths.Length).Except(plan).ToArray();
        IEnumerable<int[]> others =
        [
            .. plan.Where(i => i != 0).Where(i => i == plan[0] || i == plan[^1]).Select(i => plan.Where(p => p != i).ToArray()),
            .. left.Where(i => c.Lengths[i] >= c.Lengths[plan[0]]).OrderBy(i => c.Lengths[i]).Take(1).Select(i => (int[])[.. plan, i]),
            .. left.Where(i => c.Lengths[i] <= c.Lengths[plan[^1]]).OrderByDescending(i => c.Lengths[i]).Take(1)
                .Select(i => (int[])[.. plan, i]),
        ];

        Assert.All(
            others.Where(o => o.Length == 1 || (o.Length <= c.Options.MaxRows && Padded(c.Lengths, o) <= c.Options.MaxTokens)),
            o => Assert.InRange(Cost(c, plan), 0, Cost(c, o) + 1e-9));
    });

    [Fact]
    public void Plan_EqualLengths_TakesThemInTheOrderOfTheirTurn()
    {
        Assert.Equal([0, 1, 2], BatchPlanner.Plan([7, 7, 7, 7, 7], new BatchOptions { MaxRows = 3 }, 512));
    }

    [Fact]
    public void Plan_ShortHeadAmongLongRows_RunsAlone()
    {
        Assert.Equal([0], BatchPlanner.Plan([20, 200, 200, 190], new BatchOptions(), 512));
    }

    [Fact]
    public void Plan_HeadSoShortThatTheFixedShareIsMost_TakesALongerRowAlong()
    {
        Assert.Equal([1, 0], BatchPlanner.Plan([5, 12], new BatchOptions(), 512));
    }

    [Fact]
    public void Plan_UrgentRows_GoBeforeNearerOnesAndLeaveThemTheRest()
    {
        Assert.Equal([0, 2, 1, 3], BatchPlanner.Plan([20, 18, 19, 20, 20, 20], new BatchOptions { MaxRows = 4 }, 512, urgent: 3));
    }

    [Fact]
    public void Plan_OneUrgentRow_IsNotMadeLongerByOthers()
    {
        Assert.Equal([0, 2], BatchPlanner.Plan([20, 21, 19, 2], new BatchOptions(), 512, urgent: 1));
    }

    private static long Padded(int[] lengths, int[] rows) => (long)rows.Max(i => lengths[i]) * rows.Length;

    private static double Cost((int[] Lengths, BatchOptions Options) c, int[] rows) =>
        (Padded(c.Lengths, rows) + c.Options.OverheadTokens) / (double)rows.Sum(i => c.Lengths[i]);
}
