using DistillOnnx.Core.Tasks;
using DistillOnnx.Toolchain.Improvement;

namespace DistillOnnx.Toolchain.Tests.Improvement;

public sealed class GateResultTests
{
    private static readonly TaskSpec Task = new() { Name = "t", Kind = TaskKind.Labels, Labels = ["a", "b"] };

    [Theory]
    [InlineData(4, 0, true)]
    [InlineData(5, 0, false)]
    [InlineData(9, 2, false)]
    [InlineData(9, 3, true)]
    [InlineData(0, 9, true)]
    public void Of_LossesOfAllRows_AreRefusedWhereTheBinomialTailIsBelowTheLevel(int lost, int won, bool passes)
    {
        var open = Task with { Kind = TaskKind.Text, Labels = null };

        var gate = GateResult.Of(open, Answers('a', 50, lost, won, mine: true), Answers('a', 50, lost, won, mine: false), 0.05);

        Assert.Equal((passes, 50, lost, won), (gate.Passed, gate.Total!.Rows, gate.Total.OnlyServingRight, gate.Total.OnlyNewRight));
        if (lost > won) Assert.Equal(Tail(lost, won), gate.Total.P, tolerance: 1e-12);
        Assert.Null(gate.Classes);
    }

    [Fact]
    public void Of_AClassThatGetsWorseWhileTheTotalGetsBetter_IsRefusedAndNamed()
    {
        TestAnswers Both(bool mine) =>
            new([.. Answers('a', 60, lost: 0, won: 30, mine).Rows, .. Answers('b', 40, lost: 6, won: 0, mine).Rows]);

        var gate = GateResult.Of(Task, Both(true), Both(false), 0.05);

        Assert.False(gate.Passed);
        Assert.False(gate.Total!.Worse);
        Assert.Equal((false, true), (gate.Classes!["a"].Worse, gate.Classes["b"].Worse));
        Assert.Equal("class \"b\": 6 lost, 0 won (p = 0.0156)", gate.Reason());
        Assert.True(GateResult.Of(Task, Both(true), Both(false), 0.01).Passed);
    }

    [Theory]
    [InlineData("a", 0, true)]
    [InlineData("a", 40, false)]
    public void Of_WhatServesAnswersOneLabelToAll_ALossOfItsRowsPassesWhereTheLabelIsToldBetter(string always, int alike, bool passes)
    {
        TestAnswers.Row Row(string gold, string answer) => new(gold, gold, answer, gold == answer);
        List<(TestAnswers.Row New, TestAnswers.Row Old)> rows =
        [
            .. Enumerable.Repeat((Row("a", "b"), Row("a", always)), 10),
            .. Enumerable.Repeat((Row("b", "b"), Row("b", alike > 0 ? "b" : always)), 40),
        ];

        var gate = GateResult.Of(Task, new([.. rows.Select(r => r.New)]), new([.. rows.Select(r => r.Old)]), 0.05);

        Assert.Equal(passes, gate.Passed);
        Assert.Equal(passes ? 40 : 0, gate.Classes!["a"].Apart!.OnlyNewRight);
        Assert.Null(gate.Classes["b"].Apart);
    }

    [Fact]
    public void Of_NothingServes_Passes() => Assert.True(GateResult.Of(Task, Answers('a', 3, 0, 0, true), null, 0.05).Passed);

    // How likely at least so many of the rows that one of two equal students has right are lost.
    private static double Tail(int lost, int won)
    {
        double Choose(int n, int k) => k == 0 ? 1 : Choose(n, k - 1) * (n - k + 1) / k;
        return Enumerable.Range(lost, won + 1).Sum(k => Choose(lost + won, k)) / Math.Pow(2, lost + won);
    }

    private static TestAnswers Answers(char gold, int rows, int lost, int won, bool mine) => new([.. Enumerable.Range(0, rows).Select(i =>
    {
        var right = i < lost ? !mine : i >= lost + won || mine;
        return new TestAnswers.Row($"{gold}{i}", $"{gold}", right ? $"{gold}" : "x", right);
    })]);
}
