using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Export;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Toolchain.Tests.Export;

public sealed class ParityGateTests : IDisposable
{
    private static readonly TaskSpec Task = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"] };
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("encoder.final_layer_norm.weight", "encoder_model,label_model")]
    [InlineData("decoder.final_layer_norm.weight", "decoder_model,decoder_model_merged,decoder_with_past_model,label_model")]
    public void Measure_GraphThatAnswersWithNaN_IsInfinitelyWrong(string weight, string spoilt)
    {
        RandomCheckpoint.Write(_directory["checkpoint"], RandomCheckpoint.Uneven, Task, seed: 3, TinyTokenizer.SpieceModel);
        BundleExporter.Export(new BundleExportOptions { Model = _directory["checkpoint"], Out = _directory["bundle"] }, Reporter.None);
        using var checkpoint = Checkpoint.Open(_directory["checkpoint"]);
        using var model = T5Model.Load(checkpoint);
        model.eval();
        var trie = new InputEncoder(T5Tokenizer.Load(_directory["bundle"]), Task).BuildTrie(Task.Labels!);
        var gate = new ParityGate(_directory["bundle"], model, trie, hasChoices: false, threads: 1);
        string[] graphs =
        [
            BundleFiles.Encoder, BundleFiles.Decoder, BundleFiles.DecoderWithPast, BundleFiles.DecoderMerged, BundleFiles.LabelModel,
        ];
        IReadOnlyDictionary<string, double> Measure() => gate.Measure("fp32", graphs, Reporter.None, TestContext.Current.CancellationToken);

        Assert.All(Measure().Values, e => Assert.InRange(e, 0, 1e-4));
        NanWeights.Spoil(_directory["checkpoint"], _directory["bundle"], weight);
        var wrong = Measure().Where(e => double.IsPositiveInfinity(e.Value)).Select(e => e.Key.Split('/')[0]).Distinct();

        Assert.Equal(spoilt.Split(','), wrong.Order(StringComparer.Ordinal));
    }

    /// <summary>Weights that are numbers, but so large that what is worked out from them is none.</summary>
    [Fact]
    public async Task RunAsync_AnswersThatAreNoNumbers_AreRefusedAndNothingIsWritten()
    {
        RandomCheckpoint.Write(_directory["checkpoint"], RandomCheckpoint.Uneven, Task, seed: 3, TinyTokenizer.SpieceModel);
        var file = _directory["checkpoint/model.safetensors"];
        using (var whole = SafetensorsFile.Open(file))
        using (var writer = SafetensorsWriter.Create(file + ".new", [.. whole.Tensors.Values]))
        {
            foreach (var tensor in whole.Tensors.Values)
            {
                var values = new float[tensor.ElementCount];
                whole.ReadFloat32(tensor.Name, values);
                if (tensor.Name == "decoder.final_layer_norm.weight") Array.Fill(values, 3e38f);
                writer.Write(tensor.Name, values);
            }

            writer.Complete();
        }

        File.Move(file + ".new", file, overwrite: true);
        var options = new ExportOptions { Model = _directory["checkpoint"], Out = _directory["bundle"], Threads = 1 };
        var export = BundleExport.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        var fault = await Assert.ThrowsAsync<QualityGateException>(() => export);
        Assert.Contains("no numbers", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_directory["bundle"]));
    }

    [Fact]
    public async Task RunAsync_LabelWithoutPieces_IsWarnedOf()
    {
        var task = Task with { Labels = ["yes", "\u4e2d"] };
        RandomCheckpoint.Write(_directory["checkpoint"], RandomCheckpoint.Uneven, task, seed: 3, TinyTokenizer.SpieceModel);
        var warnings = new Warnings();
        var options = new ExportOptions { Model = _directory["checkpoint"], Out = _directory["bundle"], Threads = 1 };

        await BundleExport.RunAsync(options, warnings, TestContext.Current.CancellationToken);

        Assert.StartsWith("label \"\u4e2d\"", Assert.Single(warnings.Texts, t => t.Contains("unknown text", StringComparison.Ordinal)));
    }

    public void Dispose() => _directory.Dispose();

    private sealed class Warnings : IReporter
    {
        public List<string> Texts { get; } = [];

        public void Progress(string stage, long done, long? total, string? detail = null)
        {
        }

        public void Info(string message)
        {
        }

        public void Warn(string message) => Texts.Add(message);
    }
}
