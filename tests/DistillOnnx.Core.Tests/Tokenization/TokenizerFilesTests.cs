using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tests.Checkpoints;
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

    [Theory]
    [InlineData("spiece.model")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("special_tokens_map.json")]
    [InlineData("added_tokens.json")]
    public void Load_PipeOrPointerInPlaceOfAFile_IsRefusedByName(string name)
    {
        using var directory = new TemporaryDirectory();
        TokenizerFixture.Load("nfkc").Save(directory.Path);
        File.WriteAllText(directory[name], "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
        Assert.Contains(
            $"{name}: found a git-lfs pointer", Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path)).Message);
        PlainFiles.WritePipe(directory[name]);
        Assert.Contains(
            $"{name}: expected a plain file", Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path)).Message);
    }

    [Theory]
    [InlineData("tokenizer.json", "truncation", "{\"max_length\":8}")]
    [InlineData("tokenizer.json", "padding", "{\"direction\":\"Left\"}")]
    [InlineData("tokenizer_config.json", "truncation_side", "\"left\"")]
    [InlineData("tokenizer_config.json", "padding_side", "\"left\"")]
    public void Load_CuttingOrPaddingOfTheFiles_IsNamedAsNotApplied(string name, string key, string value)
    {
        using var directory = new TemporaryDirectory();
        TokenizerFixture.Load("nfkc").Save(directory.Path);
        Assert.Null(T5Tokenizer.Load(directory.Path).Note);
        var root = Read(directory[name]);
        root[key] = JsonNode.Parse(value);
        File.WriteAllText(directory[name], root.ToJsonString());
        var note = T5Tokenizer.Load(directory.Path).Note;
        Assert.Contains($"{name}: \"{key}\" ({value}) is not applied", note);
    }

    [Theory]
    [InlineData("\"eos_token_id\":1", null)]
    [InlineData("\"eos_token_id\":[5,1]", null)]
    [InlineData("\"eos_token_id\":2", "config.json: \"eos_token_id\" is 2, but the end token of")]
    [InlineData("\"eos_token_id\":[5,2]", "\"eos_token_id\" is [5,2], but")]
    [InlineData("\"pad_token_id\":3", "\"pad_token_id\", which is 3, but the padding token of")]
    [InlineData("\"decoder_start_token_id\":null,\"pad_token_id\":3", "\"pad_token_id\", which is 3, but the padding token of")]
    [InlineData("\"decoder_start_token_id\":0,\"pad_token_id\":3", null)]
    public void RequireTokensOf_OtherTokensThanTheConfigurations_AreRefused(string keys, string? expected)
    {
        const string shape = "\"d_ff\":8,\"d_kv\":4,\"d_model\":8,\"num_heads\":2,\"num_layers\":1,\"vocab_size\":600";
        var config = T5Config.Parse(Encoding.UTF8.GetBytes($"{{{shape},{keys}}}"), "config.json");
        var tokenizer = TokenizerFixture.Load("nfkc");
        var fault = Record.Exception(() => tokenizer.RequireTokensOf(config, "config.json"));
        if (expected is null) Assert.Null(fault);
        else Assert.Contains(expected, Assert.IsType<InputException>(fault).Message);
    }

    private static JsonNode Read(string path) => JsonNode.Parse(File.ReadAllText(path), documentOptions: new JsonDocumentOptions())!;
}
