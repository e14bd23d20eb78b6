using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Tests.Evaluation;

public sealed class EvaluatorRunTests : IDisposable
{
    private static readonly TaskSpec Task = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"] };

    private readonly TemporaryDirectory _directory = new();

    public EvaluatorRunTests() => TinyProject.Create(_directory.Path, Task, seed: 3);

    private EvaluateOptions Options => new()
    {
        Data = _directory["data"],
        Model = _directory["checkpoint"],
        Split = "validation",
        Inference = new() { Device = "cpu", Threads = 1 },
    };

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("data/validation.jsonl", null)]
    [InlineData(null, "data/task.json")]
    [InlineData("checkpoint/config.json", null)]
    [InlineData(null, "other/config.json")]
    [InlineData("base/model.safetensors", null)]
    public async Task RunAsync_OutputThatIsRead_IsRefusedAndLeft(string? predictions, string? report)
    {
        foreach (var name in (string[])["other", "base"])
        {
            Directory.CreateDirectory(_directory[name]);
            foreach (var file in Directory.EnumerateFiles(_directory["checkpoint"]))
                File.Copy(file, Path.Combine(_directory[name], Path.GetFileName(file)));
        }

        var output = _directory[(predictions ?? report)!];
        var before = File.ReadAllBytes(output);

        var fault = await RefusalAsync(Options with
        {
            Predictions = predictions is null ? null : output,
            Report = report is null ? null : output,
            Against = _directory["other"],
            Base = _directory["base"],
            Overwrite = true,
        });

        Assert.StartsWith($"{output}: is read as well", fault, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(output));
    }

    [Fact]
    public async Task RunAsync_PredictionsAndReportInOneFile_AreRefused()
    {
        var file = _directory["out.html"];

        Assert.Equal(
            $"--predictions and --report are one file ({file}); choose two",
            await RefusalAsync(Options with { Predictions = file, Report = file }));
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task RunAsync_OutputsBesideWhatIsRead_AreWrittenAndReplaced()
    {
        var options = Options with { Predictions = _directory["data/answers.jsonl"], Report = _directory["checkpoint/page.html"] };

        await Evaluator.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        await Evaluator.RunAsync(options with { Overwrite = true }, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal(40, File.ReadLines(options.Predictions).Count());
        Assert.True(File.Exists(options.Report));
    }

    [Fact]
    public async Task RunAsync_OptionsAtFault_AreRefusedBeforeAnyWork()
    {
        var existing = _directory["existing"];
        File.WriteAllText(existing, "kept");

        var fault = await RefusalAsync(Options with { BatchSize = 0, Predictions = existing });

        Assert.Contains("--batch-size must be at least 1, found 0", fault, StringComparison.Ordinal);
        Assert.Contains($"{existing}: exists already", fault, StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(existing));
    }

    [Fact]
    public async Task Predict_OptionsAtFault_AreRefusedBeforeAnyWork()
    {
        var options = new PredictOptions { Model = _directory["checkpoint"], Input = _directory["data/validation.jsonl"] };
        Task Run(PredictOptions of) => BatchPredictor.RunAsync(of, Reporter.None, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        var batch = await Assert.ThrowsAsync<InputException>(
            () => Run(options with { BatchSize = 0, Output = _directory["answers.jsonl"] }));
        var model = await Assert.ThrowsAsync<InputException>(
            () => Run(options with { Output = _directory["checkpoint/config.json"], Overwrite = true }));

        Assert.Contains("--batch-size", batch.Message, StringComparison.Ordinal);
        Assert.Contains("is read as well", model.Message, StringComparison.Ordinal);
    }

    private static async Task<string> RefusalAsync(EvaluateOptions options) => (await Assert.ThrowsAsync<InputException>(() =>
        Evaluator.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken))).Message;
}
