using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

public class TokenizerFilesTests
{
    [Fact]
    public void Save_TokenizerJson_SaysWhatTheModelSays()
    {
        using var directory = new TemporaryDirectory();
        var tokenizer = TokenizerFixture.Load("nfkc");
        tokenizer.Save(directory.Path);

        var json = Read(directory["tokenizer.json"]);

        var vocabulary = json["model"]!["vocab"]!.AsArray();
        Assert.Equal("Unigram", (string?)json["model"]!["type"]);
        Assert.Equal(2, (int)json["model"]!["unk_id"]!);
        Assert.Equal(tokenizer.VocabularySize, vocabulary.Count);
        Assert.All(tokenizer.Model.Pieces.Select((p, i) => (p, i)), x =>
        {
            Assert.Equal(x.p.Text, (string?)vocabulary[x.i]![0]);
            Assert.Equal((double)x.p.Score, (double)vocabulary[x.i]![1]!);
        });
        Assert.Equal(
            tokenizer.Model.PrecompiledCharsMap.ToArray(), Convert.FromBase64String((string)json["normalizer"]!["precompiled_charsmap"]!));
        Assert.Equal(1, (int)json["post_processor"]!["special_tokens"]!["</s>"]!["ids"]![0]!);
        Assert.Equal(103, json["added_tokens"]!.AsArray().Count);
        Assert.All(json["added_tokens"]!.AsArray(), t => Assert.Equal((string?)t!["content"], (string?)vocabulary[(int)t["id"]!]![0]));
        Assert.Equal("<extra_id_0>", (string?)vocabulary[429]![0]);
    }

    [Fact]
    public void Save_Configs_NameTheSpecialTokens()
    {
        using var directory = new TemporaryDirectory();
        TokenizerFixture.Load("nfkc").Save(directory.Path);

        var config = Read(directory["tokenizer_config.json"]);
        var special = Read(directory["special_tokens_map.json"]);

        Assert.Equal("T5Tokenizer", (string?)config["tokenizer_class"]);
        Assert.Equal(100, (int)config["extra_ids"]!);
        Assert.Equal("<extra_id_0>", (string?)config["added_tokens_decoder"]!["429"]!["content"]);
        Assert.Equal("</s>", (string?)special["eos_token"]);
        Assert.Equal("<pad>", (string?)special["pad_token"]);
        Assert.Equal("<unk>", (string?)special["unk_token"]);
        Assert.Equal(100, special["additional_special_tokens"]!.AsArray().Count);
    }

    /// <summary>What Hugging Face's own conversion wrote for the same models, where it is at hand.</summary>
    [Theory]
    [InlineData("reference/tokenizer-tiny")]
    [InlineData("data/tokenizer")]
    public void Save_TokenizerJson_AgreesWithHuggingFace(string shared)
    {
        var reference = SharedData.Require(shared);
        using var directory = new TemporaryDirectory();
        T5Tokenizer.Load(reference).Save(directory.Path);

        var expected = Read(Path.Combine(reference, "tokenizer.json"));
        var found = Read(directory["tokenizer.json"]);

        foreach (var same in new[] { "added_tokens", "post_processor", "truncation", "padding", "version" })
            Assert.True(JsonNode.DeepEquals(expected[same], found[same]), same);
        var rules = expected["normalizer"]!["precompiled_charsmap"] ?? expected["normalizer"]!["normalizers"]![0]!["precompiled_charsmap"];
        Assert.Equal((string?)rules, (string?)found["normalizer"]!["precompiled_charsmap"]);
        Assert.True(expected["model"]!["vocab"]!.AsArray().Select(p => ((string)p![0]!, (double)p[1]!))
            .SequenceEqual(found["model"]!["vocab"]!.AsArray().Select(p => ((string)p![0]!, (double)p[1]!))));
    }

    private static JsonNode Read(string path) => JsonNode.Parse(File.ReadAllText(path), documentOptions: new JsonDocumentOptions())!;
}
