using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Core.Tests.Data;

public sealed class ChanceTests
{
    [Fact]
    public void Of_Labels_IsTheShareOfTheMostFrequentOneAmongRowsThatHaveOne() => Assert.Equal(
        2.0 / 3,
        Chance.Of(new TaskSpec { Name = "t", Kind = TaskKind.Labels, Labels = ["a", "b"] }, [Row("a"), Row("b"), Row("a"), Row(null)]));

    [Fact]
    public void Of_Choices_IsThatOfADraw() => Assert.Equal(
        0.375, Chance.Of(new TaskSpec { Name = "t", Kind = TaskKind.Choices }, [Row("a", "a", "b"), Row("a", "a", "b", "c", "d")]));

    [Fact]
    public void Of_OpenAnswersOrNoLabels_IsUnknown()
    {
        Assert.Null(Chance.Of(new TaskSpec { Name = "t", Kind = TaskKind.Text }, [Row("a")]));
        Assert.Null(Chance.Of(new TaskSpec { Name = "t", Kind = TaskKind.Labels, Labels = ["a", "b"] }, [Row(null)]));
    }

    private static Example Row(string? label, params string[] choices) =>
        new() { Id = "x", Input = "x", Label = label, Choices = choices.Length == 0 ? null : choices };
}
