using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Export;

namespace DistillOnnx.Toolchain.Tests.Export;

public sealed class BundleExportTests : IDisposable
{
    private static readonly TaskSpec Labels = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "yesno", "no", "maybe"] };
    private readonly string _root = Directory.CreateTempSubdirectory("distillonnx-export-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(TaskKind.Labels)]
    [InlineData(TaskKind.Choices)]
    [InlineData(TaskKind.Text)]
    public async Task RunAsync_AnyTask_ProvesTheBundleAndLetsItProveItself(TaskKind kind)
    {
        var task = kind == TaskKind.Labels ? Labels : new TaskSpec { Name = "tiny", Kind = kind, MaxLabelTokens = 6 };
        var options = Options(task);
        var result = await BundleExport.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.InRange(result.Parity!.MaxRelativeError, 0, 1e-4);
        string[] graphs = [
            "decoder_model",
            "decoder_model_merged/first",
            "decoder_model_merged/whole",
            "decoder_model_merged/with_past",
            "decoder_with_past_model",
            "encoder_model"
        ];
        Assert.Equal(kind == TaskKind.Text ? graphs : [.. graphs, "label_model"], result.Parity.Graphs.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(0, result.Precisions["fp32"].AccuracyDelta);
        Assert.Equal(kind == TaskKind.Text, result.Calibration is null);
        BundleManifest.Load(options.Out).VerifyHashes(options.Out);
        using var predictor = BundlePredictor.Open(options.Out, new RuntimeOptions { Device = "cpu", VerifyHashes = true });
        Assert.Equal(16, GoldenCheck.Run(predictor, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Evaluate_WithRationales_IsTheSameForCheckpointAndBundle(int beams)
    {
        var export = Options(Labels, seed: 7);
        await BundleExport.RunAsync(export, Reporter.None, TestContext.Current.CancellationToken);
        var options = new EvaluateOptions
        {
            Data = export.Data!,
            Split = "validation",
            Limit = 12,
            Inference = new() { Device = "cpu", Threads = 1 },
            Explanation = new() { Explain = true, RationaleTokens = 8, RationaleBeams = beams },
        };
        var report = Path.Combine(_root, "report.html");
        var predictions = Path.Combine(_root, "predictions.jsonl");
        var checkpoint = await Evaluator.RunAsync(
            options with { Model = export.Model }, Reporter.None, TestContext.Current.CancellationToken);
        var bundle = await Evaluator.RunAsync(
            options with { Model = export.Out, Report = report, Predictions = predictions, Against = export.Model },
            Reporter.None,
            TestContext.Current.CancellationToken);

        Assert.Equal(10, bundle.Rationales!.Examples.Count);
        Assert.Equal(checkpoint.Rationales!.Examples, bundle.Rationales.Examples);
        Assert.NotEqual(12, bundle.Rationales.Empty);
        // No row of this dataset has a rationale.
        Assert.Equal((0, null), (bundle.Rationales.Compared, bundle.Rationales.RougeL));
        var written = File.ReadLines(predictions).Select(l => JsonNode.Parse(l)!["rationale"]!.GetValue<string>()).Take(10);
        Assert.Equal(bundle.Rationales.Examples.Select(e => e.Student), written);
        var html = File.ReadAllText(report);
        foreach (var heading in (string[])[
            "By label", "Are its probabilities right?", "What would abstaining gain?", "Rationales", "Against the other model"
        ])
            Assert.Contains($"<h2>{heading}</h2>", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?:src|href|url)\\s*[=(]", html);
    }

    [Fact]
    public async Task RunAsync_WithoutData_StillChecksParityAndWritesGoldenRows()
    {
        var options = Options(Labels) with { Data = null, AbstainBelow = 0.4 };
        await BundleExport.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        var manifest = BundleManifest.Load(options.Out);
        Assert.Null(manifest.Calibration);
        Assert.Equal(0.4, manifest.AbstainBelow);
        Assert.NotNull(manifest.Parity);
        Assert.NotEmpty(GoldenFile.Read(options.Out));
    }

    [Fact]
    public async Task RunAsync_GraphThatDiffersTooMuch_IsRefusedWithFiguresAndNothingIsWritten()
    {
        var options = Options(Labels) with { MaxRelativeError = 1e-12 };
        var error = await Assert.ThrowsAsync<QualityGateException>(() =>
            BundleExport.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("--max-relative-error", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(options.Out));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root, "*.partial"));
    }

    [Fact]
    public async Task RunAsync_PrecisionThatLosesTooMuch_IsRefusedWithFiguresAndNothingIsWritten()
    {
        var options = Options(Labels) with { Precision = ["fp32", "q4"], MaxAccuracyLoss = 0 };
        var error = await Assert.ThrowsAsync<QualityGateException>(() =>
            BundleExport.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Matches(
            @"precision q4 loses \d+\.\d\d points of accuracy \(\d+\.\d\d % "
            + @"against 100\.00 % on 40 rows\), more than --max-accuracy-loss 0",
            error.Message);
        Assert.False(Directory.Exists(options.Out));

        var result = await BundleExport.RunAsync(
            options with { MaxAccuracyLoss = 100 }, Reporter.None, TestContext.Current.CancellationToken);
        Assert.InRange(result.Precisions["q4"].AccuracyDelta!.Value, -1, -1.0 / 40);
        Assert.Equal(1 + result.Precisions["q4"].AccuracyDelta, result.Precisions["q4"].Accuracy);
    }

    [Fact]
    public async Task RunAsync_RowsOfAnotherTask_AreRefused()
    {
        var options = Options(Labels);
        var other = Path.Combine(_root, "other");
        TinyProject.WriteData(other, Labels with { Labels = ["true", "false"] }, _ => "true");
        var error = await Assert.ThrowsAsync<InputException>(() =>
            BundleExport.RunAsync(options with { Data = other }, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("validation.jsonl", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(options.Out));
    }

    [Fact]
    public async Task RunAsync_AbstainingOnOpenAnswers_IsRefused()
    {
        var options = Options(new TaskSpec { Name = "tiny", Kind = TaskKind.Text, MaxLabelTokens = 6 }) with { AbstainBelow = 0.9 };
        var error = await Assert.ThrowsAsync<InputException>(() =>
            BundleExport.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("--abstain-below needs a closed set of labels", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(options.Out));
    }

    [Fact]
    public void Validate_OptionsOfTheRowsWithoutData_AreRefused()
    {
        var options = new ExportOptions { Model = "m", Out = "o", Split = "train", Rows = 10, MaxAccuracyLoss = 1 };

        Assert.Equal(
            ["--split needs --data", "--rows needs --data", "--max-accuracy-loss needs --data"], options.Validate());
        Assert.Empty((options with { Data = "d" }).Validate());
        Assert.Empty(new ExportOptions { Model = "m", Out = "o" }.Validate());
    }

    private ExportOptions Options(TaskSpec task, int seed = 3) => TinyProject.Create(_root, task, seed);
}
