using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Core.Tests.Metrics;

public sealed class AccuracyTests
{
    [Theory]
    [InlineData("1 + 2 * 3", 7)]
    [InlineData("( 84.0 / 2.0 )", 42)]
    [InlineData("-(2 - 5) * --4", 12)]
    [InlineData("2*-3", -6)]
    [InlineData("50% * 8", 4)]
    [InlineData("11,210 / 10", 1121)]
    [InlineData(".5 + 1.", 1.5)]
    [InlineData("6 ÷ 3 × 2 − 1", 3)]
    [InlineData("8 / 4 / 2", 1)]
    public void TryEvaluate_Arithmetic_GivesItsValue(string text, double expected)
    {
        Assert.True(Arithmetic.TryEvaluate(text, out var value));
        Assert.Equal(expected, value, 12);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 +")]
    [InlineData("(1")]
    [InlineData("1)")]
    [InlineData("1 2")]
    [InlineData("2 * x")]
    [InlineData("14, 21")]
    [InlineData("14,21")]
    [InlineData("1.2.3")]
    [InlineData(".")]
    [InlineData("1 / 0")]
    [InlineData("1 / (2 - 2)")]
    [InlineData("1e5")]
    [InlineData("2 ** 3")]
    [InlineData("__import__('os')")]
    public void TryEvaluate_AnythingElse_HasNoValue(string text) => Assert.False(Arithmetic.TryEvaluate(text, out _));

    [Fact]
    public void TryEvaluate_BombsAndOverflow_HaveNoValue()
    {
        Assert.False(Arithmetic.TryEvaluate(new string('(', 2000) + "1" + new string(')', 2000), out _));
        Assert.False(Arithmetic.TryEvaluate(new string('9', 400), out _));
        Assert.False(Arithmetic.TryEvaluate("1" + string.Concat(Enumerable.Repeat("*9999999999", 300)), out _));
        Assert.False(Arithmetic.TryEvaluate(new string('1', 100_000), out _));
        Assert.True(Arithmetic.TryEvaluate(new string('-', 4000) + "1", out _));
    }

    [Theory]
    [InlineData(TaskMetric.Text, " yes\n", "yes", true)]
    [InlineData(TaskMetric.Text, "Yes", "yes", false)]
    [InlineData(TaskMetric.Equation, "(36 * 7)", "( 7.0 * 36.0 )", true)]
    [InlineData(TaskMetric.Equation, "(7 * 35)", "( 7.0 * 36.0 )", false)]
    [InlineData(TaskMetric.Equation, "1 / 0", "1 / 0 * 2", false)]
    [InlineData(TaskMetric.Equation, "(28 * 24) / 16", "( 28.0 * ( 24.0 / 16.0 ) )", true)]
    public void IsCorrect_ByMetric_ComparesTextOrValue(TaskMetric metric, string predicted, string gold, bool expected) =>
        Assert.Equal(expected, Accuracy.IsCorrect(metric, predicted, gold));
}
