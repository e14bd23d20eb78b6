using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Toolchain.Evaluation;

namespace DistillOnnx.Toolchain.Tests.Evaluation;

public sealed class QualityGateTests
{
    private static readonly EvaluateResult Result = new()
    {
        Rows = 10,
        Accuracy = 0.8,
        MacroF1 = 0.5,
        WeightedF1 = 0.7,
        Truncated = 0,
        Seconds = 1,
    };

    [Theory]
    [InlineData("0.8")]
    [InlineData("accuracy=0.8")]
    [InlineData("macro_f1=0.5", "weighted-f1=0.7", "0")]
    public void Hold_FiguresThatReachTheGate_Pass(params string[] texts) =>
        Assert.Null(Record.Exception(() => QualityGate.Hold(QualityGate.ParseAll(texts), Result, "m: on test")));

    [Fact]
    public void Hold_FiguresBelow_AreAllNamedAndTheResultIsCarried()
    {
        var gates = QualityGate.ParseAll(["0.9", "macro_f1=0.51", "weighted_f1=0.6"]);
        var fault = Assert.Throws<QualityGateException>(() => QualityGate.Hold(gates, Result, "m: on test"));

        Assert.Equal("m: on test accuracy 0.8000 is below the gate of 0.9 and macro_f1 0.5000 is below the gate of 0.51", fault.Message);
        Assert.Same(Result, fault.Result);
    }

    [Theory]
    [InlineData("ece=0.1", "--fail-under ece: less is better there, so it takes accuracy, macro_f1, weighted_f1")]
    [InlineData(
        "macro_f2=0.1",
        "--fail-under: expected one of accuracy, macro_f1, weighted_f1 before \"=\", found \"macro_f2\"; did you mean macro_f1?")]
    [InlineData("macro_f1=80", "--fail-under: expected a fraction from 0 to 1 for macro_f1, found \"80\"")]
    [InlineData("macro_f1=NaN", "--fail-under: expected a fraction from 0 to 1 for macro_f1, found \"NaN\"")]
    [InlineData("1.0001", "--fail-under: expected a fraction from 0 to 1 for accuracy, found \"1.0001\"")]
    [InlineData("-0.1", "--fail-under: expected a fraction from 0 to 1 for accuracy, found \"-0.1\"")]
    [InlineData("macro_f1", "--fail-under: expected a fraction from 0 to 1 for accuracy, found \"macro_f1\"")]
    [InlineData("0.1,accuracy=0.2", "--fail-under names accuracy more than once")]
    [InlineData(
        "macro_f1=1,0",
        "--fail-under macro_f1=1,0: a comma separates two gates; write the fraction with a point (macro_f1=1.0), "
            + "or name the metric of the second gate (accuracy=0)")]
    [InlineData(
        "0,85",
        "--fail-under 0,85: a comma separates two gates; write the fraction with a point (0.85), "
            + "or name the metric of the second gate (accuracy=85)")]
    public void Validate_ValueThatIsNoGate_IsRefused(string texts, string message) =>
        Assert.Equal([message], new EvaluateOptions { FailUnder = texts.Split(',') }.Validate());

    [Fact]
    public void RequireMeasured_MetricThatTheTaskLacks_IsRefused()
    {
        var task = new TaskSpec { Name = "sums", Kind = TaskKind.Text };
        QualityGate.RequireMeasured(QualityGate.ParseAll(["0.5"]), task);

        var fault = Assert.Throws<InputException>(() => QualityGate.RequireMeasured(QualityGate.ParseAll(["macro_f1=0.5"]), task));
        Assert.Equal("--fail-under macro_f1: the dataset \"sums\" has no one closed set of labels; use accuracy", fault.Message);
    }
}
