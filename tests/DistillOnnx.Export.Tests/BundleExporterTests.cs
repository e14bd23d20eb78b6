using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Export.Onnx.Proto;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>The files of a bundle: which, what they are called, what they say, and that they appear whole or not at all.</summary>
public sealed class BundleExporterTests : IDisposable
{
    private static readonly string[] Labels = ["yes", "no", "maybe"];
    private readonly string _directory = Directory.CreateTempSubdirectory("distillonnx-export-").FullName;
    private readonly List<TinyCheckpoint> _checkpoints = [];

    private string Out => Path.Combine(_directory, "bundle");

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        foreach (var checkpoint in _checkpoints) checkpoint.Dispose();
    }

    [Fact]
    public void Export_ClosedSet_WritesOptimumsFilesAndManifest()
    {
        var manifest = Export(Model(TaskKind.Labels));
        string[] expected =
        [
            "config.json", "distill.json", "generation_config.json", "onnx/decoder_model.onnx", "onnx/decoder_model_merged.onnx",
            "onnx/decoder_with_past_model.onnx", "onnx/encoder_model.onnx", "onnx/label_model.onnx", "special_tokens_map.json",
            "spiece.model", "tokenizer.json", "tokenizer_config.json",
        ];
        Assert.Equal(expected, Files());
        Assert.Equal(expected.Where(f => f != BundleManifest.FileName), manifest.Files.Keys);
        Assert.NotNull(JsonNode.Parse(File.ReadAllText(Path.Combine(Out, "config.json")))!["decoder_start_token_id"]);

        var loaded = BundleManifest.Load(Out);
        loaded.VerifyHashes(Out);
        Assert.Equal(Labels, loaded.Task.Labels);
        Assert.Equal("predict: ", loaded.Task.PredictPrefix);
        Assert.Equal(["fp32"], loaded.Precisions);
        Assert.Equal(manifest.Version, loaded.Version);
        Assert.True(loaded.LabelModel!.DecoderBytes < loaded.LabelModel.FullDecoderBytes);
        Assert.Equal(loaded.LabelModel.FullVocabularyRows, TinyConfig.VocabSize);
    }

    [Fact]
    public void Export_Twice_GivesTheSameBytes()
    {
        var model = Model(TaskKind.Labels);
        var first = Export(model, o => o with { Precision = ["fp32", "fp16", "int8", "q4"] });
        var second = Export(model, o => o with { Precision = ["fp32", "fp16", "int8", "q4"], Overwrite = true });
        Assert.Equal(first.Files, second.Files);
        Assert.Equal(4 * 5, Files().Count(f => f.EndsWith(".onnx", StringComparison.Ordinal)));
    }

    [Fact]
    public void Export_EveryGraph_HasOptimumsNamesAndShapes()
    {
        Export(Model(TaskKind.Labels));
        using var encoder = Open(BundleFiles.Encoder);
        Assert.Equal(["attention_mask", "input_ids"], encoder.Inputs.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["last_hidden_state"], encoder.Outputs.Keys);
        string[] present = [.. Layers("present", "decoder"), .. Layers("present", "encoder")];
        string[] past = [.. Layers("past_key_values", "decoder"), .. Layers("past_key_values", "encoder")];

        using var decoder = Open(BundleFiles.Decoder);
        Same(["encoder_attention_mask", "encoder_hidden_states", "input_ids"], decoder.Inputs.Keys);
        Same(["logits", .. present], decoder.Outputs.Keys);
        using var withPast = Open(BundleFiles.DecoderWithPast);
        Same(["encoder_attention_mask", "input_ids", .. past], withPast.Inputs.Keys);
        Same(["logits", .. Layers("present", "decoder")], withPast.Outputs.Keys);
        using var merged = Open(BundleFiles.DecoderMerged);
        Same(["encoder_attention_mask", "encoder_hidden_states", "input_ids", "use_cache_branch", .. past], merged.Inputs.Keys);
        Same(["logits", .. present], merged.Outputs.Keys);
        Assert.Equal([1], merged.Inputs["use_cache_branch"].Dimensions);

        var nodes = decoder.Outputs.Concat(withPast.Inputs).Concat(withPast.Outputs).Concat(merged.Inputs).Concat(merged.Outputs);
        foreach (var (name, node) in nodes)
        {
            if (!name.Contains("key", StringComparison.Ordinal) && !name.Contains("value", StringComparison.Ordinal)) continue;
            Assert.Equal("batch_size", node.SymbolicDimensions[0]);
            Assert.Equal([-1, TinyConfig.NumHeads, -1, TinyConfig.DKv], node.Dimensions);
        }

        using var label = Open(BundleFiles.LabelModel);
        Same(["input_ids", "attention_mask"], label.Inputs.Keys);
        Assert.Equal([-1, Labels.Length], label.Outputs["label_log_probs"].Dimensions);

        // Merged, both decoders cost one set of weights.
        var whole = Read(BundleFiles.DecoderMerged).Graph;
        Assert.All(whole.Node.Single(n => n.OpType == "If").Attribute, a => Assert.Empty(a.G.Initializer));
        Assert.Equal(whole.Initializer.Count, whole.Initializer.Select(t => t.Name).Distinct().Count());
        static int Weights(GraphProto graph) =>
            graph.Initializer.Where(t => t.DataType == (int)TensorProto.Types.DataType.Float).Sum(t => t.RawData.Length);
        Assert.Equal(Weights(Read(BundleFiles.Decoder).Graph), Weights(whole));
    }

    [Fact]
    public void Export_LowThreshold_PutsWeightsBesideTheGraphAndComputesTheSame()
    {
        var model = Model(TaskKind.Labels);
        Export(model);
        var ids = ("input_ids", (Array)new long[] { 5, 6, 7, 1 }, new long[] { 1, 4 });
        var mask = ("attention_mask", (Array)new long[] { 1, 1, 1, 1 }, new long[] { 1, 4 });
        float[] inside;
        using (var graph = Open(BundleFiles.LabelModel)) inside = graph.Run(ids, mask)["label_log_probs"].Values;
        Export(model, o => o with { Overwrite = true, ExternalDataThreshold = 0 });
        Assert.Contains("onnx/label_model.onnx_data", Files());
        using var beside = Open(BundleFiles.LabelModel);
        Assert.Equal(inside, beside.Run(ids, mask)["label_log_probs"].Values);
    }

    [Theory, InlineData("fp16", 0.02), InlineData("int8", 0.2), InlineData("q4", 0.5)]
    public void Export_LowerPrecision_StaysNearFullOne(string precision, double tolerance)
    {
        Export(Model(TaskKind.Labels), o => o with { Precision = ["fp32", precision] });
        var batch = Batch.Random(3, TinyConfig.VocabSize, 12, 5);
        using var full = Open(BundleFiles.LabelModel);
        using var lower = Open(BundleFiles.LabelModel, precision);
        var expected = full.Run(
            ("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["label_log_probs"].Values;
        var actual = lower.Run(
            ("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["label_log_probs"].Values;
        var worst = expected.Zip(actual, (e, a) => Math.Abs(Math.Exp(e) - Math.Exp(a))).Max();
        Assert.True(worst > 0 && worst < tolerance, $"probabilities differ by {worst:g3}");
    }

    [Fact]
    public void Export_PublicCheckpointWithoutTask_WritesSequenceGraphsAlone()
    {
        var model = Model(null);
        var manifest = Export(model);
        Assert.Equal(TaskKind.Text, manifest.Task.Kind);
        Assert.Equal("", manifest.Task.PredictPrefix);
        Assert.Null(manifest.LabelModel);
        Assert.DoesNotContain("onnx/label_model.onnx", Files());

        var task = Path.Combine(_directory, "task.json");
        new TaskSpec { Name = "given", Kind = TaskKind.Labels, Labels = Labels }.Save(task);
        manifest = Export(model, o => o with { Task = task, Overwrite = true, Graphs = GraphSet.Label });
        Assert.Equal("given", manifest.Task.Name);
        Assert.Equal(["onnx/label_model.onnx"], Files().Where(f => f.StartsWith("onnx/", StringComparison.Ordinal)));
    }

    [Fact]
    public void Export_ReviewRefuses_LeavesNothingBehind()
    {
        var model = Model(TaskKind.Labels);
        var seen = "";
        var refusal = Assert.Throws<InputException>(() => BundleExporter.Export(
            new BundleExportOptions { Model = model, Out = Out },
            draft =>
            {
                seen = draft.Directory;
                Assert.Equal(Labels, BundleManifest.Load(draft.Directory).Task.Labels);
                throw new InputException("int8 loses too much");
            },
            Reporter.None,
            TestContext.Current.CancellationToken));
        Assert.Equal("int8 loses too much", refusal.Message);
        Assert.False(Directory.Exists(Out) || Directory.Exists(seen));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }

    [Fact]
    public void Export_ReviewRemovesPrecisionAndAddsFile_WritesWhatIsLeft()
    {
        BundleExporter.Export(
            new BundleExportOptions { Model = Model(TaskKind.Labels), Out = Out, Precision = ["fp32", "int8"] },
            draft =>
            {
                draft.Remove("int8");
                File.WriteAllText(Path.Combine(draft.Directory, "golden.jsonl"), "{}\n");
                draft.Manifest = draft.Manifest with { Calibration = new BundleCalibration { Temperature = 1.5 } };
            },
            Reporter.None,
            TestContext.Current.CancellationToken);
        var manifest = BundleManifest.Load(Out);
        Assert.Equal(["fp32"], manifest.Precisions);
        Assert.Equal(1.5, manifest.Temperature);
        Assert.Contains("golden.jsonl", manifest.Files.Keys);
        Assert.DoesNotContain(Files(), f => f.Contains("int8", StringComparison.Ordinal));
        manifest.VerifyHashes(Out);
    }

    [Fact]
    public void VerifyHashes_ChangedFile_NamesIt()
    {
        Export(Model(TaskKind.Labels));
        var path = Path.Combine(Out, "onnx", "encoder_model.onnx");
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        var fault = Assert.Throws<InputException>(() => BundleManifest.Load(Out).VerifyHashes(Out));
        Assert.Contains("encoder_model.onnx", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_BadArguments_NameThemAndWriteNothing()
    {
        var model = Model(null);
        var fault = Assert.Throws<InputException>(() => Export(model, o => o with { Precision = ["fp33"], ExternalDataThreshold = -1 }));
        Assert.Contains("fp33", fault.Message, StringComparison.Ordinal);
        Assert.Contains("-1", fault.Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => Export(model, o => o with { Graphs = GraphSet.Label }));
        Assert.Throws<InputException>(() => Export(Path.Combine(_directory, "absent")));
        Assert.Throws<InputException>(() => Export(model, o => o with { Precision = ["q4"], Portable = true }));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }

    private static Core.T5.T5Config TinyConfig => TinyCheckpoint.Variants["v1.0"] with { VocabSize = 256 };

    private static IEnumerable<string> Layers(string prefix, string of) =>
        Enumerable.Range(0, TinyConfig.NumDecoderLayers).SelectMany(i => (string[])[$"{prefix}.{i}.{of}.key", $"{prefix}.{i}.{of}.value"]);

    private static void Same(IEnumerable<string> expected, IEnumerable<string> actual) =>
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));

    private OnnxGraph Open(string graph, string precision = "fp32") =>
        OnnxGraph.Open(Path.Combine(Out, BundleFiles.Graph(graph, precision)));

    private ModelProto Read(string graph) => ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(Out, BundleFiles.Graph(graph))));

    private IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Out, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Out, f).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    private BundleManifest Export(string model, Func<BundleExportOptions, BundleExportOptions>? change = null)
    {
        var options = new BundleExportOptions { Model = model, Out = Out };
        return BundleExporter.Export(change is null ? options : change(options), Reporter.None, TestContext.Current.CancellationToken);
    }

    /// <summary>A tiny checkpoint with a tokenizer of single letters and, if asked for, a task.</summary>
    private string Model(TaskKind? kind)
    {
        var checkpoint = TinyCheckpoint.Create(TinyConfig);
        _checkpoints.Add(checkpoint);
        T5Tokenizer.FromModel(TinyTokenizer.SpieceModel).Save(checkpoint.Directory);
        if (kind is { } k)
            new TaskSpec { Name = "tiny", Kind = k, Labels = k == TaskKind.Labels ? Labels : null }.Save(checkpoint.Directory);
        return checkpoint.Directory;
    }
}
