using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Reports;

namespace DistillOnnx.Toolchain.Tests.Reports;

public sealed class DirectoryReportTests : IDisposable
{
    private static readonly TaskSpec Task = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"] };

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task RunAsync_Project_ShowsDataCurvesModelsAndAccuracyOnOnePage()
    {
        await BundleExport.RunAsync(
            TinyProject.Create(_directory.Path, Task, seed: 3), Reporter.None, TestContext.Current.CancellationToken);
        File.WriteAllText(
            Path.Combine(_directory["checkpoint"], "training.json"),
            """{"steps": 20, "data": {"validation_chance": 0.5}, "evaluations": [{"step": 10, "train_label_loss": 2, "validation_accuracy": 0.4}, {"step": 20, "train_label_loss": 1, "validation_accuracy": 0.75}]}""");
        var result = await DirectoryReport.RunAsync(Options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal([_directory["data"]], result.Datasets);
        Assert.Equal(new Dictionary<string, double> { [_directory["bundle"]] = 1, [_directory["checkpoint"]] = 1 }, result.Accuracy);
        Assert.Empty(result.NotMeasured);
        var html = File.ReadAllText(result.Report);
        foreach (var part in (string[])["bundle (bundle)", "checkpoint (checkpoint)", "data (dataset)"])
            Assert.Contains($"<h1 class=\"part\">{part}</h1>", html, StringComparison.Ordinal);
        Assert.Contains(">chance</text>", html, StringComparison.Ordinal);
        Assert.Contains(">label, training</text>", html, StringComparison.Ordinal);
        Assert.Contains("<h2>By label</h2>", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_SeveralDatasets_NamesThemAndReportsTheRest()
    {
        TinyProject.Create(_directory.Path, Task, seed: 3);
        TinyProject.WriteData(_directory["other"], Task, _ => "yes");
        var result = await DirectoryReport.RunAsync(Options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Contains("name one with --data", result.NotMeasured[_directory["checkpoint"]], StringComparison.Ordinal);
        Assert.Contains("Not measured: several datasets may be meant", File.ReadAllText(result.Report), StringComparison.Ordinal);

        result = await DirectoryReport.RunAsync(
            Options with { Data = _directory["data"], Overwrite = true }, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal(1, result.Accuracy[_directory["checkpoint"]]);
    }

    [Fact]
    public async Task RunAsync_FileThatCannotBeRead_IsNamedAndTheRestReported()
    {
        TinyProject.Create(_directory.Path, Task, seed: 3);
        Directory.CreateDirectory(_directory["broken"]);
        File.WriteAllText(_directory["broken/config.json"], "{");
        var result = await DirectoryReport.RunAsync(Options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal(1, result.Accuracy[_directory["checkpoint"]]);
        Assert.Contains("Left out: broken: ", File.ReadAllText(result.Report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_NothingToReport_IsRefused()
    {
        var error = await Assert.ThrowsAsync<InputException>(() =>
            DirectoryReport.RunAsync(Options, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("holds no dataset, checkpoint or bundle", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory["report.html"]));
    }

    private ReportOptions Options => new()
    {
        Directory = _directory.Path,
        Out = _directory["report.html"],
        Split = "validation",
        Inference = new() { Device = "cpu", Threads = 1 },
    };
}
