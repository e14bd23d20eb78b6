using System.Text.Json.Nodes;
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

    [Fact]
    public async Task RunAsync_CheckpointWhoseAnswersAreNoNumbers_IsNamedAndTheRestReported()
    {
        TinyProject.Create(_directory.Path, Task, seed: 3);
        var config = RandomCheckpoint.Uneven with { TieWordEmbeddings = false };
        RandomCheckpoint.Write(_directory["broken"], config, Task, seed: 4, TinyTokenizer.SpieceModel);
        Spoil(_directory["broken"]);

        var result = await RunAsync(Options);

        Assert.Equal(1, result.Accuracy[_directory["checkpoint"]]);
        Assert.Contains("no numbers", result.NotMeasured[_directory["broken"]], StringComparison.Ordinal);
        Assert.Contains("Not measured: row ", File.ReadAllText(result.Report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"steps": "many", "data": {"train_sha256": 5, "validation_chance": {}}}""")]
    [InlineData("""{"evaluations": [1, {"step": "a"}, {"step": 2, "train_label_loss": []}]}""")]
    [InlineData("""{"steps": {}, "data": [1], "options": 3, "evaluations": {"step": 1}}""")]
    [InlineData("""{"steps": 1, "steps": 2}""")]
    [InlineData("[]")]
    [InlineData("{")]
    public async Task RunAsync_TrainingFileOfAnotherProgram_IsNamedAndTheRestReported(string training)
    {
        TinyProject.Create(_directory.Path, Task, seed: 3);
        File.WriteAllText(_directory["checkpoint/training.json"], training);
        var messages = new RecordedMessages();

        var result = await RunAsync(Options, messages);

        Assert.Equal(1, result.Accuracy[_directory["checkpoint"]]);
        var file = Path.Combine("checkpoint", "training.json");
        Assert.Contains($"Left out: {file}: ", File.ReadAllText(result.Report), StringComparison.Ordinal);
        Assert.Contains(messages.Warnings, w => w.Contains($"{file}: left out: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_SubdirectoryThatCannotBeListed_IsNamedAndTheRestReported()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the longest path is another one here");
        TinyProject.Create(_directory["project"], Task, seed: 3);
        Directory.CreateDirectory(_directory["project/deep/" + new string('x', 200)]);

        // Permissions do not stop an administrator; a path that the system finds too long stops everybody.
        const int longest = 4095;
        var parent = _directory.Path;
        while (parent.Length + 260 < longest - 150) parent = Path.Combine(parent, new string('p', 200));
        Directory.CreateDirectory(parent);
        var project = Path.Combine(parent, new string('q', longest - 100 - parent.Length - 1));
        Directory.Move(_directory["project"], project);
        try
        {
            var result = await RunAsync(Options with { Directory = project });

            Assert.Contains("Left out: deep", File.ReadAllText(result.Report), StringComparison.Ordinal);
            Assert.Equal(1, result.Accuracy[Path.Combine(project, "checkpoint")]);
        }
        finally
        {
            Directory.Move(project, _directory["project"]);
        }
    }

    [Fact]
    public async Task RunAsync_OptionsAtFaultOrPageThatIsRead_AreRefused()
    {
        TinyProject.Create(_directory.Path, Task, seed: 3);

        var split = await Assert.ThrowsAsync<InputException>(() => RunAsync(Options with { Split = "dev" }));
        var config = _directory["checkpoint/config.json"];
        var page = await Assert.ThrowsAsync<InputException>(() => RunAsync(Options with { Out = config, Overwrite = true }));

        Assert.Contains("--split", split.Message, StringComparison.Ordinal);
        Assert.StartsWith($"{config}: is read as well", page.Message, StringComparison.Ordinal);
    }

    private static Task<ReportResult> RunAsync(ReportOptions options, IReporter? reporter = null) =>
        DirectoryReport.RunAsync(options, reporter ?? Reporter.None, TestContext.Current.CancellationToken);

    // A head whose products overflow; weights that are no numbers are refused when they are read.
    private static void Spoil(string checkpoint)
    {
        var file = Path.Combine(checkpoint, "model.safetensors");
        var bytes = File.ReadAllBytes(file);
        var header = 8 + (int)BitConverter.ToUInt64(bytes);
        var head = JsonNode.Parse(bytes.AsSpan(8, header - 8))!["lm_head.weight"]!["data_offsets"]!;
        for (var i = header + (int)head[0]!; i < header + (int)head[1]!; i += 4) BitConverter.TryWriteBytes(bytes.AsSpan(i), 3e38f);
        File.WriteAllBytes(file, bytes);
    }

    private ReportOptions Options => new()
    {
        Directory = _directory.Path,
        Out = _directory["report.html"],
        Split = "validation",
        Inference = new() { Device = "cpu", Threads = 1 },
    };
}
