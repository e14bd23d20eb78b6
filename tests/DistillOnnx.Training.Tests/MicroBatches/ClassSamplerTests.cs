using DistillOnnx.Data;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Tests.MicroBatches;

public sealed class ClassSamplerTests
{
    /// <summary>90 rows of one class, 10 of another and 5 without one.</summary>
    private static readonly string?[] Classes =
        [.. Enumerable.Repeat("common", 90), .. Enumerable.Repeat("rare", 10), .. Enumerable.Repeat<string?>(null, 5)];

    [Theory]
    [InlineData(0, 50)]

    // √90 : √10 = 3 : 1.
    [InlineData(0.5, 75)]
    [InlineData(1, 90)]
    public void Draw_APower_GivesEachClassItsShareAndRepeatsNoRowMoreThanItMust(double power, int common)
    {
        var drawn = new ClassSampler(Classes, power).Draw(new SplitMix64(3));

        var times = drawn.CountBy(r => r).ToDictionary();
        Assert.Equal(105, drawn.Length);
        Assert.Equal(common, drawn.Count(r => Classes[r] == "common"));
        Assert.Equal(common, times.Keys.Count(r => Classes[r] == "common"));
        Assert.Equal(5, drawn.Where(r => Classes[r] is null).Distinct().Count());
        int[] rare = [.. Enumerable.Range(90, 10).Select(r => times[r])];
        Assert.Equal(100 - common, rare.Sum());
        Assert.True(rare.Max() - rare.Min() <= 1);
    }

    [Fact]
    public void BatchOrder_WithASampler_GivesAStepTheSameRowsInAnyOrderAndEveryEpochOthers()
    {
        BatchOrder Order() => new([.. Classes.Select(_ => 1)], 20, 2, 11, new ClassSampler(Classes, 0));
        var (forward, backward) = (Order(), Order());
        var steps = Enumerable.Range(0, 3 * forward.StepsPerEpoch).Select(s => forward.Rows(s).ToArray()).ToArray();
        for (var step = steps.Length - 1; step >= 0; step--) Assert.Equal(steps[step], backward.Rows(step));

        var seen = steps.SelectMany(s => s).Where(r => Classes[r] == "common").Distinct().Count();
        Assert.True(seen > 60, $"{seen} of 90 rows in three epochs of 50");
    }
}
