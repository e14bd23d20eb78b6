using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Annotation;
using DistillOnnx.Toolchain.Quickstart;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Tests.Selection;

public sealed class AnnotateSelectTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task RunAsync_Select_AnnotatesTheRowsTakenAloneAndAsksNothingTwice()
    {
        QuickstartDataset.Generate(_directory["pool"], rows: 60, seed: 3);
        RandomCheckpoint.Write(_directory["student"], RandomCheckpoint.Uneven, WorldRules.Task, seed: 4, TinyTokenizer.SpieceModel);
        var options = new AnnotateOptions
        {
            Data = _directory["pool"],
            Teacher = "rules",
            Out = _directory["annotated"],
            Select = 12,
            Model = _directory["student"],
            Selection = new() { By = SelectionRule.Uncertainty },
        };

        var first = await AnnotateStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        var second = await AnnotateStage.RunAsync(options with { Overwrite = true }, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal((12, 12, 12), (first.Rows, first.Requests, first.Answers));
        Assert.Equal((12, 0, 12), (second.Rows, second.Requests, second.Answers));
        var rows = Dataset.Open(_directory["annotated"]).Load(SplitNames.Train);
        Assert.Equal(
            Dataset.Open(_directory["annotated"] + ".selected").Load(SplitNames.Train).Select(r => r.Id), rows.Select(r => r.Id));
        Assert.All(rows, r => Assert.NotNull(r.TeacherLabel));
        Assert.All(Dataset.Open(_directory["annotated"]).Load(SplitNames.Validation), r => Assert.Null(r.TeacherLabel));
    }

    [Fact]
    public void Validate_SelectionWithoutItsParts_IsRefused()
    {
        var options = new AnnotateOptions { Data = "d", Teacher = "rules", Out = "o" };

        Assert.Empty(options.Validate());
        Assert.Contains("go with --select", Assert.Single((options with { Model = "m" }).Validate()));
        Assert.Contains("go with --select", Assert.Single((options with { Selection = new() { Shortlist = 3 } }).Validate()));
        Assert.Contains("needs --model", Assert.Single((options with { Select = 3 }).Validate()));
        Assert.Contains("--splits", Assert.Single((options with { Select = 3, Model = "m", Splits = ["validation"] }).Validate()));
        Assert.Empty((options with { Select = 3, Selection = new() { By = SelectionRule.Random } }).Validate());
    }

    [Fact]
    public async Task Annotator_Select_SaysWhereItIsDone()
    {
        var fault = await Assert.ThrowsAsync<InputException>(() => Annotator.RunAsync(
            new AnnotateOptions { Data = "d", Teacher = "rules", Out = "o", Select = 3, Model = "m" }, Reporter.None,
            TestContext.Current.CancellationToken));

        Assert.Contains("AnnotateStage.RunAsync", fault.Message);
    }
}
