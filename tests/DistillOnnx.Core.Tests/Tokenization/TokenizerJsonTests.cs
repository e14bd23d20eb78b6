using System.Text.Json.Nodes;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>A <c>tokenizer.json</c>, alone or beside a <c>spiece.model</c>.</summary>
public class TokenizerJsonTests
{
    [Fact]
    public void Load_Alone_GivesTheIdsOfTheModel()
    {
        using var directory = new TemporaryDirectory();
        using var saved = new TemporaryDirectory();
        TokenizerFixture.Load("nfkc").Save(directory.Path);
        File.Delete(directory["spiece.model"]);

        var tokenizer = T5Tokenizer.Load(directory.Path);
        tokenizer.Save(saved.Path);
        var again = T5Tokenizer.Load(saved.Path);

        Assert.False(File.Exists(saved["spiece.model"]));
        Assert.Equal(
            (430, 0, 1, 2, 429), (tokenizer.VocabularySize, tokenizer.PadId, tokenizer.EosId, tokenizer.UnkId, tokenizer.SentinelId(0)));
        foreach (var row in TokenizerFixture.Golden("nfkc"))
        {
            Assert.Equal(row.Ids, tokenizer.Encode(row.Text, appendEos: false));
            Assert.Equal(row.Decoded, tokenizer.Decode(row.Ids));
            Assert.Equal(row.Ids, again.Encode(row.Text, appendEos: false));
        }
    }

    [Theory]
    [InlineData("model", """{"type":"BPE","vocab":{},"merges":[]}""", "BPE")]
    [InlineData("model", """{"type":"WordPiece","vocab":{}}""", "WordPiece")]
    [InlineData("model", """{"type":"Unigram","unk_id":9,"vocab":[["a",0]]}""", "unk_id")]
    [InlineData("model", """{"type":"Unigram","unk_id":0,"vocab":[["a"]]}""", "piece 0")]
    [InlineData("model", "null", "\"model\"")]
    [InlineData("normalizer", """{"type":"StripAccents"}""", "StripAccents")]
    [InlineData("normalizer", """{"type":"Precompiled","precompiled_charsmap":"?"}""", "Base64")]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel"}""", "ByteLevel")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"_"}""", "Metaspace")]
    [InlineData("pre_tokenizer", "null", "Metaspace")]
    [InlineData("post_processor", "null", "post_processor")]
    [InlineData("post_processor", """{"type":"BertProcessing"}""", "BertProcessing")]
    [InlineData("decoder", """{"type":"WordPiece"}""", "WordPiece")]
    public void Load_WhatCannotBeDone_IsNamed(string key, string value, string named)
    {
        using var directory = new TemporaryDirectory();
        TokenizerFixture.Load("nfkc").Save(directory.Path);
        File.Delete(directory["spiece.model"]);
        Change(directory, json => json[key] = JsonNode.Parse(value));

        Assert.Contains(named, Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_DisagreesWithTheModel_NamesThePiece()
    {
        using var directory = new TemporaryDirectory();
        TokenizerFixture.Load("nfkc").Save(directory.Path);
        Change(directory, json => json["model"]!["vocab"]![17]![0] = "other");

        var fault = Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path));

        Assert.Contains("piece 17 is \"other\"", fault.Message, StringComparison.Ordinal);
        Assert.Contains("spiece.model", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Damaged files are refused in one line or read as a tokenizer that works.</summary>
    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("special_tokens_map.json")]
    [InlineData("added_tokens.json")]
    public void Load_Mutated_IsRefusedInOneLineOrUsable(string name)
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.WriteFineTune(directory);
        File.Delete(directory["spiece.model"]);
        var good = File.ReadAllBytes(directory[name]);
        var random = new Random(11);
        var refused = 0;
        for (var i = 0; i < 200; i++)
        {
            File.WriteAllBytes(directory[name], Mutate(good, random, i));
            try
            {
                T5Tokenizer.Load(directory.Path).Encode("a <ORG> { b");
            }
            catch (InputException e)
            {
                refused++;
                Assert.Contains(directory.Path, e.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', e.Message);
                Assert.True(e.Message.Length < 1_000, e.Message);
            }
        }

        Assert.InRange(refused, 50, 200);
    }

    private static byte[] Mutate(byte[] good, Random random, int i)
    {
        if (i % 4 == 0) return good[..random.Next(good.Length)];
        // Most of a tokenizer.json is its vocabulary: what stands around it is damaged as often.
        var end = i % 2 == 0 ? good.Length : Math.Min(good.Length, 2_000);
        byte[] bytes = [.. good];
        for (var n = random.Next(1, 6); n > 0; n--)
            bytes[random.Next(end)] = i % 3 == 0 ? (byte)random.Next(256) : (byte)"{}[]\":,0-e\\nt"[random.Next(13)];
        return bytes;
    }

    private static void Change(TemporaryDirectory directory, Action<JsonNode> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(directory["tokenizer.json"]))!;
        change(json);
        File.WriteAllText(directory["tokenizer.json"], json.ToJsonString());
    }
}
