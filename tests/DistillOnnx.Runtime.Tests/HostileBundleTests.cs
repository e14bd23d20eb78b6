using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests;

/// <summary>Bundles that are not what they should be: one clear line each, and nothing is loaded.</summary>
public sealed class HostileBundleTests : IDisposable
{
    private const string Label = "onnx/label_model.onnx";
    private const string Merged = "onnx/decoder_model_merged.onnx";
    private static readonly Lazy<TinyBundle> Whole = new(() => TinyBundle.Create(TinyBundle.LabelTask));
    private readonly string _bundle = Path.Combine(Directory.CreateTempSubdirectory("hostile").FullName, "bundle");

    public HostileBundleTests()
    {
        foreach (var file in Directory.EnumerateFiles(Whole.Value.Directory, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(_bundle, Path.GetRelativePath(Whole.Value.Directory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_bundle)!, recursive: true);

    [Fact]
    public void Open_Untouched_Works()
    {
        using var predictor = BundlePredictor.Open(_bundle, Options() with { VerifyHashes = true });
        Assert.NotNull(predictor.Bundle.LabelModel());
    }

    [Fact]
    public void Open_NoSuchDirectory_SaysWhatWasExpected() =>
        Assert.Contains("expected a bundle", Refusal(_bundle + "x").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("distill.json")]
    [InlineData("config.json")]
    [InlineData("spiece.model")]
    [InlineData(Label)]
    public void Open_FileMissing_NamesIt(string name)
    {
        File.Delete(Path.Combine(_bundle, name));
        Assert.Contains(name, Refusal(_bundle).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("distill.json", "{\"format\":")]
    [InlineData("distill.json", "null")]
    [InlineData("distill.json", "{\"format\": 99, \"task\": {\"name\":\"x\",\"kind\":\"text\"}, \"precisions\": {}}")]
    [InlineData("distill.json", "{\"format\": 1}")]
    [InlineData("config.json", "[]")]
    [InlineData("config.json", "{\"d_model\": \"wide\"}")]
    [InlineData("spiece.model", "not a model")]
    public void Open_FileThatIsSomethingElse_NamesIt(string name, string content)
    {
        File.WriteAllText(Path.Combine(_bundle, name), content);
        Assert.Contains(name, Refusal(_bundle).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Label, GraphChoice.Label)]
    [InlineData(Merged, GraphChoice.Decoder)]
    public void Open_GraphCutAnywhere_NamesIt(string graph, GraphChoice choice)
    {
        var path = Path.Combine(_bundle, graph);
        var bytes = File.ReadAllBytes(path);
        foreach (var length in (int[])[0, 1, 7, 100, bytes.Length / 2, bytes.Length - 1])
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Contains(Path.GetFileName(graph), Refusal(_bundle, Options() with { Graph = choice }).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Label, "onnx/encoder_model.onnx", GraphChoice.Label, "label_log_probs")]
    [InlineData("onnx/encoder_model.onnx", Label, GraphChoice.Decoder, "last_hidden_state")]
    [InlineData(Merged, "onnx/decoder_model.onnx", GraphChoice.Decoder, "past_key_values.0.decoder.key")]
    public void Open_AnotherGraphInItsPlace_NamesWhatIsMissing(string graph, string other, GraphChoice choice, string missing)
    {
        File.Copy(Path.Combine(_bundle, other), Path.Combine(_bundle, graph), overwrite: true);
        Assert.Contains($"\"{missing}\"", Refusal(_bundle, Options() with { Graph = choice }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ManifestWithOtherLabels_NamesTheDimension()
    {
        var path = Path.Combine(_bundle, "distill.json");
        var manifest = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        manifest["task"]!["labels"] = new JsonArray("yes", "no");
        File.WriteAllText(path, manifest.ToJsonString());
        Assert.Contains("expected dimension 1 to be 2, found 4", Refusal(_bundle).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ConfigurationOfAnotherShape_NamesTheGraph()
    {
        var path = Path.Combine(_bundle, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["d_model"] = 64;
        File.WriteAllText(path, config.ToJsonString());
        Assert.Contains(
            "encoder_model.onnx", Refusal(_bundle, Options() with { Graph = GraphChoice.Decoder }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LabelGraphAskedForButAbsent_SaysSo()
    {
        File.Delete(Path.Combine(_bundle, Label));
        var manifest = BundleManifest.Load(_bundle);
        (manifest with { Files = BundleManifest.Hash(_bundle) }).Save(_bundle);
        Assert.Contains(
            "label_model.onnx", Refusal(_bundle, Options() with { Graph = GraphChoice.Label }).Message, StringComparison.Ordinal);
        using var predictor = BundlePredictor.Open(_bundle, Options());
        Assert.Equal(TinyBundle.Labels.Length, predictor.Predict([new Core.Prediction.PredictorInput("no")])[0].Probabilities!.Count);
    }

    [Fact]
    public void Embed_EncoderGraphThatIsLost_IsNamedAsMissingAndNotAsNeverExported()
    {
        var path = Path.Combine(_bundle, "onnx", "encoder_model.onnx");
        File.Delete(path);
        Assert.Equal($"{path}: no such file; distill.json names it", Fault());

        var manifest = BundleManifest.Load(_bundle);
        (manifest with { Files = BundleManifest.Hash(_bundle) }).Save(_bundle);
        Assert.Contains("need a bundle exported with --graphs all or seq2seq", Fault(), StringComparison.Ordinal);

        string Fault()
        {
            using var predictor = BundlePredictor.Open(_bundle, Options());
            return Assert.Throws<InputException>(() => predictor.Embed([new Core.Prediction.PredictorInput("no")])).Message;
        }
    }

    [Theory]
    [InlineData(Label)]
    [InlineData("tokenizer.json")]
    public void Open_FlippedByteWithHashesVerified_NamesTheFile(string name)
    {
        var path = Path.Combine(_bundle, name);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
        var message = Refusal(_bundle, Options() with { VerifyHashes = true }).Message;
        Assert.Contains(Path.GetFileName(name), message, StringComparison.Ordinal);
        Assert.Contains("SHA-256", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("int8")]
    [InlineData("../../etc")]
    public void Open_PrecisionThatIsNotThere_ListsThoseThatAre(string precision) =>
        Assert.Contains("which has fp32", Refusal(_bundle, Options() with { Precision = precision }).Message, StringComparison.Ordinal);

    private static RuntimeOptions Options() => new() { Device = "cpu", Threads = 1 };

    private static InputException Refusal(string bundle, RuntimeOptions? options = null)
    {
        var error = Assert.Throws<InputException>(() => BundlePredictor.Open(bundle, options ?? Options()).Dispose());
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }
}
