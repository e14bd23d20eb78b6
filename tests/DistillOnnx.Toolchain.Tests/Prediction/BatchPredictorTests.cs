using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Tests.Prediction;

public sealed class BatchPredictorTests
{
    [Theory]
    [InlineData(TaskKind.Labels)]
    [InlineData(TaskKind.Text)]
    public async Task RunAsync_GraphThatAnswersWithNaN_WritesAnErrorForThatRowAndContinues(TaskKind kind)
    {
        using var directory = new TemporaryDirectory();
        var task = new TaskSpec { Name = "tiny", Kind = kind, Labels = kind == TaskKind.Labels ? ["yes", "no"] : null, MaxLabelTokens = 4 };
        // A tied embedding would spoil a logit of every answer, too.
        var config = RandomCheckpoint.Uneven with { TieWordEmbeddings = false };
        RandomCheckpoint.Write(directory["checkpoint"], config, task, seed: 3, TinyTokenizer.SpieceModel);
        BundleExporter.Export(new BundleExportOptions { Model = directory["checkpoint"], Out = directory["bundle"] }, Reporter.None);
        NanWeights.SpoilTilde(directory["checkpoint"], directory["bundle"]);
        string[] texts = ["it is", "it ~ is", "is it", "~", "a", " "];
        File.WriteAllLines(directory["rows"], texts.Select(t => new JsonObject { ["input"] = t }.ToJsonString()));
        var options = new PredictOptions
        {
            Model = directory["bundle"],
            Input = directory["rows"],
            Output = directory["answers"],
            Inference = new() { Device = "cpu", Threads = 1 },
            Explanation = new() { Explain = true, RationaleTokens = 4 },
            BatchSize = 3,
        };

        var said = new RecordedMessages();
        var partial = await Assert.ThrowsAsync<UnansweredRowsException>(
            () => BatchPredictor.RunAsync(options, said, TestContext.Current.CancellationToken));

        // Random weights do not come to an end by themselves.
        Assert.Contains("3 of 6 rationales are cut at 4 tokens; --rationale-tokens takes more", said.Warnings);
        var cut = "3 of 6 answers are cut at 4 tokens, max_label_tokens of the model's task";
        Assert.Equal(kind == TaskKind.Text, said.Warnings.Contains(cut));

        Assert.Equal(
            $"{directory["rows"]}: 3 of 6 rows have no answer; their lines have \"error\" in the place of one", partial.Message);
        Assert.Equal((6, 3), (partial.Result!.Rows, partial.Result.Failed));
        Assert.Equal(ExitCode.Failed, ExitCode.Of(partial, interrupted: false, out _));
        var lines = File.ReadAllLines(directory["answers"]).Select(l => JsonNode.Parse(l)!.AsObject()).ToArray();
        Assert.Equal(["1", "2", "3", "4", "5", "6"], lines.Select(l => (string?)l["id"]));
        Assert.Equal([false, true, false, true, false, true], lines.Select(l => l.ContainsKey("error")));
        Assert.All(lines, l => Assert.NotEqual(l.ContainsKey("error"), l.ContainsKey("label")));
        Assert.All(lines, l => Assert.NotEqual(l.ContainsKey("error"), l.ContainsKey("rationale")));
        Assert.Equal("the input is empty", (string?)lines[5]["error"]);
        Assert.Contains("no numbers", (string?)lines[1]["error"], StringComparison.Ordinal);

        File.WriteAllText(directory["rows"], """{"input": "~"}""");
        var error = await Assert.ThrowsAsync<InferenceException>(
            () => BatchPredictor.RunAsync(options with { Overwrite = true }, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("none of 1 rows has an answer", error.Message, StringComparison.Ordinal);

        File.WriteAllText(directory["rows"], """{"id": "a", "input": "it is", "choices": ["yes", "no"]}""");
        var fault = await Assert.ThrowsAsync<InputException>(
            () => BatchPredictor.RunAsync(options with { Overwrite = true }, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("rows: row a: \"choices\": the model's task \"tiny\" takes none", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_BundleWhoseGraphWasChanged_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        var task = new TaskSpec { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"] };
        RandomCheckpoint.Write(directory["checkpoint"], RandomCheckpoint.Uneven, task, seed: 3, TinyTokenizer.SpieceModel);
        BundleExporter.Export(new BundleExportOptions { Model = directory["checkpoint"], Out = directory["bundle"] }, Reporter.None);
        var graph = Path.Combine(directory["bundle"], "onnx", "label_model.onnx");
        using (var file = File.OpenWrite(graph))
        {
            file.Position = file.Length / 2;
            file.WriteByte(77);
            file.WriteByte(78);
        }

        File.WriteAllText(directory["rows"], """{"input": "it is"}""");
        var options = new PredictOptions { Model = directory["bundle"], Input = directory["rows"], Inference = new() { Device = "cpu" } };
        var fault = await Assert.ThrowsAsync<InputException>(
            () => BatchPredictor.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));

        Assert.StartsWith($"{graph}: expected SHA-256", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_OutputThatIsItsInput_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["rows"], """{"input": "a"}""");
        Directory.CreateSymbolicLink(directory["link"], directory.Path);
        var output = Path.Combine(directory["link"], "rows");
        var options = new PredictOptions { Model = directory["bundle"], Input = directory["rows"], Output = output, Overwrite = true };

        var fault = await Assert.ThrowsAsync<InputException>(
            () => BatchPredictor.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));

        Assert.Equal($"{output}: is read as well; choose another output", fault.Message);
    }
}
