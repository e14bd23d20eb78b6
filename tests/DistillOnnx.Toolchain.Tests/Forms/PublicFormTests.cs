using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Interop;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>Every form in which T5 checkpoints come, against T5 written in loops over the weights that the form was made of.</summary>
public sealed class PublicFormTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Names => [.. PublicForm.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task AnyForm_TorchSharpAndEveryGraph_EqualThePlainImplementation(string name)
    {
        var form = PublicForm.All[name];
        var weights = form.Write(_directory["checkpoint"]);
        using (var checkpoint = Checkpoint.Open(_directory["checkpoint"]))
        {
            Assert.Equal(form.Config, checkpoint.Config);
            Assert.Equal(form.Tokens.Ids, T5Tokenizer.Load(checkpoint.Place.TokenizerDirectory).Encode(form.Tokens.Text));
        }

        await FormCheck.RunAsync(_directory["checkpoint"], form.Config, weights, _directory["bundle"]);
    }

    /// <summary>transformers.js reads the bundle of every form unmodified: with its own tokenizer, added tokens
    /// included, it decodes the same ids.</summary>
    [Theory, MemberData(nameof(Names))]
    public async Task AnyForm_UnderTransformersJs_GivesTheSameIds(string name)
    {
        Assert.SkipWhen(name.StartsWith("umt5", StringComparison.Ordinal), "transformers.js knows no model type umt5");
        Assert.SkipWhen(name.StartsWith("byt5", StringComparison.Ordinal), "ByT5 has no tokenizer.json, which transformers.js needs");
        using var node = NodeStudent.TryStart(out var missing);
        Assert.SkipWhen(node is null, missing);
        PublicForm.All[name].Write(_directory["checkpoint"]);
        await FormCheck.ExportAsync(_directory["checkpoint"], _directory["bundle"]);

        using var bundle = Bundle.Open(_directory["bundle"], new RuntimeOptions { Device = "cpu", Threads = 1 });
        string[] texts = [.. FormCheck.Texts.Select(t => FormCheck.Task.PredictPrefix + t)];
        node!.LoadTokenizer(_directory["bundle"]);
        Assert.Equal(texts.Select(t => bundle.Tokenizer.Encode(t)), node.Tokenize(texts).Select(Ids!));
        node.Load(_directory["bundle"]);
        foreach (var text in texts)
        {
            var limit = new GenerationOptions { MaxNewTokens = 8 };
            var expected = bundle.TextGenerator().Generate(
                [bundle.Tokenizer.Encode(text)], limit, TestContext.Current.CancellationToken)[0];
            Assert.Equal(expected, Ids(node.Generate([text], 8)["ids"]![0]!));
        }

        static int[] Ids(JsonNode row) => [.. row.AsArray().Select(id => (int)id!)];
    }

    /// <summary>What training saves is the same model in TorchSharp, in the graphs and in loops.</summary>
    [Theory]
    [InlineData("byt5")]
    [InlineData("umt5")]
    public async Task Trained_SavedAndExported_EqualsThePlainImplementation(string name)
    {
        var form = PublicForm.All[name];
        var before = form.Write(_directory["checkpoint"]);
        var saved = await FormTraining.RunAsync(_directory["checkpoint"], _directory["trained"]);

        using var trained = Checkpoint.Open(saved);
        Assert.Equal(form.Config, trained.Config);
        foreach (var tensor in before.Tensors.Values.Where(t => t.Name != T5TensorNames.Shared))
        {
            var (old, now) = (new float[tensor.ElementCount], new float[tensor.ElementCount]);
            before.ReadFloat32(tensor.Name, old);
            trained.Tensors.ReadFloat32(tensor.Name, now);
            Assert.False(old.AsSpan().SequenceEqual(now), $"{tensor.Name} was not trained");
        }

        await FormCheck.RunAsync(saved, trained.Config, trained.Tensors, _directory["bundle"]);
    }

    public void Dispose() => _directory.Dispose();
}
