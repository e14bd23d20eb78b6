using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
using TorchSharp;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>Checkpoints that transformers 4 and 5 saved: read as the same model, and saved again as one that both load.</summary>
public sealed class TransformersFixtureTests
{
    // What a save says otherwise: which program wrote it, and the head, in the one way that both versions read alike.
    private static readonly string[] WrittenAnew =
        ["transformers_version", "torch_dtype", "dtype", "tie_word_embeddings", "scale_decoder_outputs"];

    private static readonly string[] EmbeddingNames = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];

    public static TheoryData<string> Names => TransformersFixture.Names;

    [Theory, MemberData(nameof(Names))]
    public void Load_SavedByTransformers_GivesItsLogitsAndIds(string name)
    {
        var fixture = new TransformersFixture(name);
        using var checkpoint = Checkpoint.Open(fixture.Directory);
        using var model = T5Model.Load(checkpoint);
        model.eval();
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();

        fixture.AssertLogits(TransformersCheck.Logits(model, fixture.Inputs, fixture.Mask, fixture.DecoderInputs));
        using var batch = new PaddedBatch(TransformersCheck.Ids(fixture.Inputs), TransformersCheck.Ids(fixture.Mask));
        Assert.Equal(
            fixture.Greedy, new StudentGenerator(model).Greedy(batch, fixture.MaxNewTokens, TestContext.Current.CancellationToken));
        if (fixture.Texts.Length == 0) return;
        var tokenizer = T5Tokenizer.Load(fixture.Directory);
        Assert.All(fixture.Texts, t => Assert.Equal(t.Ids, tokenizer.Encode(t.Text)));
    }

    [Theory, MemberData(nameof(Names))]
    public void Save_LoadedFromTransformers_HoldsWhatBothVersionsNeed(string name)
    {
        var fixture = new TransformersFixture(name);
        using var directory = new TemporaryDirectory();
        using var checkpoint = Checkpoint.Open(fixture.Directory);
        var saved = Directory.CreateDirectory(directory["saved"]).FullName;
        CheckpointFiles.Save(checkpoint, saved);

        var before = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture.Directory, "config.json")))!.AsObject();
        var after = JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "config.json")))!.AsObject();
        foreach (var (key, value) in before.Where(p => !WrittenAnew.Contains(p.Key)))
            Assert.True(JsonNode.DeepEquals(value, after[key]), $"{key}: {after[key]?.ToJsonString()}, was {value?.ToJsonString()}");
        using var file = SafetensorsFile.Open(Path.Combine(saved, "model.safetensors"));
        var tied = (bool)after["tie_word_embeddings"]!;
        Assert.Equal(tied, (bool)after["scale_decoder_outputs"]!);
        Assert.Equal(
            fixture.StateNames.Except(EmbeddingNames).Where(n => n != "lm_head.weight" || !tied).Order(StringComparer.Ordinal),
            file.Tensors.Keys.Order(StringComparer.Ordinal));
        if (fixture.Texts.Length > 0)
        {
            var tokenizer = JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "tokenizer_config.json")))!.AsObject();
            Assert.False(tokenizer["extra_special_tokens"] is JsonArray, "transformers 4 fails on a list of this name");
            var reloaded = T5Tokenizer.Load(saved);
            Assert.All(fixture.Texts, t => Assert.Equal(t.Ids, reloaded.Encode(t.Text)));
        }

        using var again = Checkpoint.Open(saved);
        Assert.Equal(checkpoint.Config, again.Config);
        using var model = T5Model.Load(again);
        model.eval();
        fixture.AssertLogits(TransformersCheck.Logits(model, fixture.Inputs, fixture.Mask, fixture.DecoderInputs));
    }

    /// <summary>transformers itself, where a Python has it, loads what was saved again, and computes the same with it.</summary>
    [Fact]
    public void Save_LoadedFromTransformers_IsTheSameModelUnderTransformers()
    {
        var python = TransformersCheck.Python(out var missing);
        Assert.SkipWhen(python is null, missing);
        using var directory = new TemporaryDirectory();
        var saves = new List<string>();
        foreach (var name in Names.Select(n => (string)n.Data))
        {
            var fixture = new TransformersFixture(name);
            using var checkpoint = Checkpoint.Open(fixture.Directory);
            saves.Add(Directory.CreateDirectory(directory[name.Replace('/', '-')]).FullName);
            CheckpointFiles.Save(checkpoint, saves[^1]);
            if (fixture.Texts.Length > 0) T5Tokenizer.Load(fixture.Directory).Save(saves[^1]);
            var expected = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture.Directory, "expected.json")))!.AsObject();

            // transformers 5 splits at spaces whatever tokenizer.json says, so that it has no token for a space before an added one, as
            // transformers 4's fast tokenizer has.
            if (name == "4/t5-added-tokens") expected.Remove("texts");
            File.WriteAllText(Path.Combine(saves[^1], "expected.json"), expected.ToJsonString());
        }

        TransformersCheck.Run(python!, saves);
    }

    /// <summary>The same with the tokenizer of the real size and normalization, and texts that it normalizes.</summary>
    [Theory]
    [InlineData("t5-v1.0-tiny")]
    [InlineData("t5-v1.1-tiny")]
    public async Task Train_ReferenceModel_SavesTheSameModelUnderTransformers(string name)
    {
        var student = SharedData.Require($"reference/{name}");
        var python = TransformersCheck.Python(out var missing);
        Assert.SkipWhen(python is null, missing);
        using var directory = new TemporaryDirectory();
        var saved = await FormTraining.RunAsync(student, directory["trained"]);
        TransformersCheck.WriteExpected(
            saved, ["Is the cat on the mat?", "ﬁne Ⅷ  café — “quoted”\u00a0ｗｉｄｅ", "premise: 3.5% of {x}\tis it"]);

        TransformersCheck.Run(python!, [saved]);
    }

    /// <summary>What training saves, of every form of student, is the same model with the same tokenizer in transformers.</summary>
    [Fact]
    public async Task Train_AnyForm_SavesTheSameModelUnderTransformers()
    {
        var python = TransformersCheck.Python(out var missing);
        Assert.SkipWhen(python is null, missing);
        using var directory = new TemporaryDirectory();
        var saves = new List<string>();
        foreach (var (name, form) in PublicForm.All)
        {
            form.Write(directory[name]);
            saves.Add(await FormTraining.RunAsync(directory[name], directory[name + "-trained"]));
            TransformersCheck.WriteExpected(saves[^1], [.. FormCheck.Texts, form.Tokens.Text]);
        }

        TransformersCheck.Run(python!, saves);
    }
}
