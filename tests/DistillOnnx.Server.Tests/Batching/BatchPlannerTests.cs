using CsCheck;
using DistillOnnx.Server.Batching;

namespace DistillOnnx.Server.Tests.Batching;

public sealed class BatchPlannerTests
{
    private static readonly Gen<(int[] Lengths, BatchOptions Options)> Cases = Gen.Select(
        Gen.Int[1, 200].Array[1, 100],
        Gen.Int[1, 40],
        Gen.Int[1, 3000],
        Gen.Double[0, 0.5],
        (lengths, rows, tokens, padding) => (lengths, new BatchOptions { MaxRows = rows, MaxTokens = tokens, MaxPadding = padding }));

    [Fact]
    public void Plan_AnyQueue_TakesTheFirstAndStaysWithinLimits() => Cases.Sample(c =>
    {
        var plan = BatchPlanner.Plan(c.Lengths, c.Options, c.Lengths[0] % c.Lengths.Length);

        Assert.Contains(0, plan);
        Assert.Equal(plan.Length, plan.Distinct().Count());
        Assert.InRange(plan.Length, 1, c.Options.MaxRows);
        if (plan.Length == 1) return;
        var padded = plan.Max(i => c.Lengths[i]) * plan.Length;
        Assert.InRange(padded, 1, c.Options.MaxTokens);
        Assert.True(padded - plan.Sum(i => c.Lengths[i]) <= c.Options.MaxPadding * padded);
    });

    [Fact]
    public void Plan_AnyQueue_LeavesNoRowOfALengthThatItTook() => Cases.Sample(c =>
    {
        var plan = BatchPlanner.Plan(c.Lengths, c.Options);
        if (plan.Length == c.Options.MaxRows) return;

        // A row exactly as long as the longest that was taken costs no padding: only the token budget can keep it out.
        var longest = plan.Max(i => c.Lengths[i]);
        var left = Enumerable.Range(0, c.Lengths.Length).Except(plan).Any(i => c.Lengths[i] == longest);
        Assert.True(!left || longest * (plan.Length + 1) > c.Options.MaxTokens);
    });

    [Fact]
    public void Plan_EqualLengths_TakesThemInTheOrderOfTheirTurn()
    {
        Assert.Equal([0, 1, 2], BatchPlanner.Plan([7, 7, 7, 7, 7], new BatchOptions { MaxRows = 3 }).Order());
    }

    [Fact]
    public void Plan_ShortHeadAmongLongRows_RunsAlone()
    {
        Assert.Equal([0], BatchPlanner.Plan([5, 100, 100, 90], new BatchOptions()));
    }

    [Fact]
    public void Plan_UrgentRows_GoBeforeNearerOnesAndLeaveThemTheRest()
    {
        Assert.Equal([1, 0, 3, 4], BatchPlanner.Plan([20, 21, 40, 20, 20, 20], new BatchOptions { MaxRows = 4 }, urgent: 3));
    }
}
