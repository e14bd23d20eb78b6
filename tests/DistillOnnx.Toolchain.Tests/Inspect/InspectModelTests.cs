using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Inspect;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Tests.Inspect;

public sealed class InspectModelTests : IDisposable
{
    private static readonly TaskSpec Labels = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"] };
    private readonly string _root = Directory.CreateTempSubdirectory("distillonnx-inspect-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(true, "tied, scaled")]
    [InlineData(false, "own, not scaled")]
    public void Run_Checkpoint_TellsHeadTokensAndTask(bool tied, string head)
    {
        var config = RandomCheckpoint.Uneven with { TieWordEmbeddings = tied };
        RandomCheckpoint.Write(_root, config, Labels, spieceModel: TinyTokenizer.SpieceModel);
        var result = Run(_root);
        var facts = result.Checkpoint!;
        Assert.Equal("checkpoint", result.Kind);
        Assert.Equal(head, facts.Head);
        Assert.Equal("T5 v1.0", facts.Family);
        Assert.Equal(config.ParameterCount, facts.Parameters);
        Assert.Equal(config.ParameterCount, facts.Types.Values.Sum(t => t.Elements));
        Assert.Equal(3, facts.Shape.EncoderLayers);
        Assert.Equal("sentencepiece", facts.Tokenizer!.Kind);
        Assert.Equal(3 + 1 + 13 + 94 + 100, facts.Tokenizer.Vocabulary);
        Assert.Equal(256, facts.Tokenizer.EmbeddingRows);
        Assert.True(facts.Tokenizer.Fits);
        Assert.Equal(["yes", "no"], facts.Task!.Labels);
        Assert.Equal("model.safetensors", Assert.Single(facts.WeightFiles).Key);
        Assert.Contains("\"embedding_rows\":256", ResultJson.ToLine(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_CheckpointWithWeightsThatAreNotRead_ListsThoseReadAndNamesTheOthers()
    {
        RandomCheckpoint.Write(_root, RandomCheckpoint.Uneven, Labels, spieceModel: TinyTokenizer.SpieceModel);
        File.WriteAllText(Path.Combine(_root, "model.safetensors.index.json"), "{}");
        File.WriteAllText(Path.Combine(_root, "model-00001-of-00001.safetensors"), "");
        File.WriteAllText(Path.Combine(_root, "training_args.bin"), "");
        var facts = Run(_root).Checkpoint!;
        Assert.Equal("model.safetensors", Assert.Single(facts.WeightFiles).Key);
        Assert.Contains(
            $"{_root}: not used, for the weights are read from model.safetensors: model-00001-of-00001.safetensors, "
            + "model.safetensors.index.json",
            facts.Notes);
    }

    [Fact]
    public async Task Run_Bundle_TellsPrecisionsAndWhichFilesDiffer()
    {
        var (checkpoint, bundle) = (Path.Combine(_root, "checkpoint"), Path.Combine(_root, "bundle"));
        RandomCheckpoint.Write(checkpoint, RandomCheckpoint.Uneven, Labels, spieceModel: TinyTokenizer.SpieceModel);
        await BundleExport.RunAsync(
            new ExportOptions { Model = checkpoint, Out = bundle, Threads = 1 }, Reporter.None, TestContext.Current.CancellationToken);
        var facts = Run(bundle).Bundle!;
        Assert.True(facts.FilesMatch);
        Inspector.RequireWhole(Run(bundle));
        Assert.Equal("fp32", Assert.Single(facts.Precisions).Key);
        Assert.Contains("label_model", facts.Precisions["fp32"].Graphs);
        Assert.Equal("checkpoint", facts.Source!.Checkpoint);
        Assert.Equal(256, facts.Tokenizer!.EmbeddingRows);

        File.AppendAllText(Path.Combine(bundle, "golden.jsonl"), "\n");
        File.Delete(Path.Combine(bundle, "onnx", "label_model.onnx"));
        facts = Run(bundle).Bundle!;
        Assert.False(facts.FilesMatch);
        Assert.Equal(2, facts.FileFaults.Count);
        Assert.Contains("onnx/label_model.onnx: missing", facts.FileFaults);
        Assert.Contains(facts.FileFaults, f => f.StartsWith("golden.jsonl: expected ", StringComparison.Ordinal));

        File.WriteAllText(Path.Combine(bundle, "spiece.model"), "not a model");
        var result = Run(bundle);
        Assert.Null(result.Bundle!.Tokenizer);
        Assert.Equal(4, result.Bundle.FileFaults.Count);
        Assert.StartsWith("the tokenizer cannot be loaded: ", result.Bundle.FileFaults[3], StringComparison.Ordinal);
        Assert.Equal(
            $"{bundle}: not a whole bundle: 4 faults of its files are named above",
            Assert.Throws<InputException>(() => Inspector.RequireWhole(result)).Message);
    }

    [Fact]
    public async Task Run_BundleWhoseManifestWasEdited_IsNamedOnThePageAndInWarnings()
    {
        var (checkpoint, bundle) = (Path.Combine(_root, "checkpoint"), Path.Combine(_root, "bundle"));
        RandomCheckpoint.Write(checkpoint, RandomCheckpoint.Uneven, Labels, spieceModel: TinyTokenizer.SpieceModel);
        await BundleExport.RunAsync(
            new ExportOptions { Model = checkpoint, Out = bundle, Threads = 1 }, Reporter.None, TestContext.Current.CancellationToken);
        var path = Path.Combine(bundle, "distill.json");
        var manifest = JsonNode.Parse(File.ReadAllText(path))!;
        var files = manifest["files"]!.AsObject();
        files["onnx/encoder_model.onnx"]!["sha256"] = new string('0', 64);
        files.Remove("onnx/label_model.onnx");
        File.WriteAllText(path, manifest.ToJsonString());
        var reporter = new RecordedMessages();
        var page = Path.Combine(_root, "page.html");

        Inspector.Run(new InspectOptions { Directory = bundle, Report = page }, reporter, TestContext.Current.CancellationToken);

        Assert.Equal(2, reporter.Warnings.Count);
        Assert.Equal($"{bundle}: onnx/label_model.onnx: distill.json has no length and hash for it", reporter.Warnings[0]);
        Assert.StartsWith($"{bundle}: onnx/encoder_model.onnx: expected SHA-256 0000", reporter.Warnings[1], StringComparison.Ordinal);
        Assert.Contains("onnx/label_model.onnx: distill.json has no length", File.ReadAllText(page), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ReportThatIsReadOrExists_IsRefusedAndLeft()
    {
        var checkpoint = Path.Combine(_root, "checkpoint");
        RandomCheckpoint.Write(checkpoint, RandomCheckpoint.Uneven, Labels, spieceModel: TinyTokenizer.SpieceModel);
        var page = Path.Combine(_root, "page.html");
        File.WriteAllText(page, "kept");
        var config = Path.Combine(checkpoint, "config.json");
        var before = File.ReadAllBytes(config);
        string Refusal(InspectOptions options) => Assert.Throws<InputException>(
            () => Inspector.Run(options, Reporter.None, TestContext.Current.CancellationToken)).Message;

        Assert.StartsWith($"{page}: exists already", Refusal(new() { Directory = checkpoint, Report = page }), StringComparison.Ordinal);
        Assert.StartsWith(
            $"{config}: is read as well",
            Refusal(new() { Directory = checkpoint, Report = config, Overwrite = true }),
            StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(page));
        Assert.Equal(before, File.ReadAllBytes(config));
    }

    [Fact]
    public void Run_AnotherDirectory_NamesInOneLineWhatWasExpected()
    {
        var file = Path.Combine(_root, "file");
        File.WriteAllText(file, "");
        Directory.CreateDirectory(Path.Combine(_root, "empty"));
        foreach (var path in new[] { file, Path.Combine(_root, "empty"), Path.Combine(_root, "unknown") })
        {
            var error = Assert.Throws<InputException>(() => Run(path));
            Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
            Assert.Contains("expected a bundle (distill.json), a checkpoint (config.json)", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    private static InspectResult Run(string directory) =>
        Inspector.Run(new InspectOptions { Directory = directory }, Reporter.None, TestContext.Current.CancellationToken);
}
