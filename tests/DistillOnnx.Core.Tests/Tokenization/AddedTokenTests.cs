using System.Text.Json.Nodes;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

public class AddedTokenTests
{
    [Theory]
    [InlineData("always", true)]
    [InlineData("first", false)]
    public void Encode_GoldenTexts_EqualsHuggingFace(string scheme, bool legacy)
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.WriteGolden(directory, legacy);

        AssertGolden(T5Tokenizer.Load(directory.Path), scheme);
    }

    /// <summary>What is saved says the same: with all files, and with <c>tokenizer.json</c> alone.</summary>
    [Theory]
    [InlineData("always", true)]
    [InlineData("first", false)]
    public void Save_ThenLoad_EqualsHuggingFace(string scheme, bool legacy)
    {
        using var directory = new TemporaryDirectory();
        using var saved = new TemporaryDirectory();
        AddedTokenFixture.WriteGolden(directory, legacy);
        T5Tokenizer.Load(directory.Path).Save(saved.Path);

        AssertGolden(T5Tokenizer.Load(saved.Path), scheme);
        foreach (var other in new[] { "spiece.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json" })
            File.Delete(saved[other]);
        AssertGolden(T5Tokenizer.Load(saved.Path), scheme);
    }

    [Fact]
    public void Encode_AddedTokensFile_HasIts()
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.Write(directory, new JsonObject { ["additional_special_tokens"] = new JsonArray("<ORG>") });
        File.WriteAllText(directory["added_tokens.json"], """{"<ORG>": 430, "{": 431}""");

        var tokenizer = T5Tokenizer.Load(directory.Path);

        Assert.Equal(432, tokenizer.VocabularySize);
        Assert.Equal([431, 430, 431], tokenizer.Encode("{<ORG> {", appendEos: false));
        Assert.Equal("{{", tokenizer.Decode([431, 430, 431]));
    }

    [Fact]
    public void Encode_SpecialTokenWithoutId_FollowsTheVocabulary()
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.Write(
            directory, new JsonObject { ["additional_special_tokens"] = new JsonArray("<extra_id_0>", "<ORG>"), ["sep_token"] = "<SEP>" });

        var tokenizer = T5Tokenizer.Load(directory.Path);

        Assert.Equal([430, 431], tokenizer.Encode("<ORG> <SEP>", appendEos: false));
    }

    [Fact]
    public void Encode_OwnSpecialTokens_StayText()
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.WriteFineTune(directory);
        var plain = TokenizerFixture.Load("nfkc");
        var tokenizer = T5Tokenizer.Load(directory.Path);
        const string text = "a </s> b <extra_id_0> <pad> <unk>";

        Assert.Equal(plain.Encode(text), tokenizer.Encode(text));
        Assert.Equal([430, 1, 431, 1], tokenizer.Encode("<ORG></s>{", "</s>", 10, out _));
        Assert.Equal(plain.SentinelId(0), tokenizer.SentinelId(0));
    }

    [Theory]
    [InlineData("""{"<ORG>": 431}""", "\"<ORG>\" has id 431", "gives it id 430")]
    [InlineData("""{"[X]": 430}""", "id 430 is \"[X]\"", "\"<ORG>\"")]
    [InlineData("""{"[X]": 433}""", "\"[X]\" has id 433", "expected 432")]
    [InlineData("""{"[X]": 7}""", "\"[X]\" has id 7", "spiece.model")]
    [InlineData("""{"</s>": 432}""", "\"</s>\" has id 432", "as id 1")]
    [InlineData("""{"": 432}""", "432 is empty", "added_tokens.json")]
    [InlineData("""{"[X]": -4}""", "id -4", "0 or more")]
    [InlineData("""{"[X]": "4"}""", "\"[X]\"", "a whole number")]
    public void Load_Contradiction_NamesTokenAndIds(string added, string first, string second)
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.WriteFineTune(directory);
        File.WriteAllText(directory["added_tokens.json"], added);

        var fault = Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path));

        Assert.Contains(first, fault.Message, StringComparison.Ordinal);
        Assert.Contains(second, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_AnotherEndToken_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.Write(directory, new JsonObject { ["eos_token"] = "<end>" });

        Assert.Contains(
            "\"<end>\"", Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireRows_TooFew_NamesBothSizesAndTheToken()
    {
        using var directory = new TemporaryDirectory();
        AddedTokenFixture.WriteFineTune(directory);
        var tokenizer = T5Tokenizer.Load(directory.Path);

        tokenizer.RequireRows(432, "the embedding");
        var fault = Assert.Throws<InputException>(() => tokenizer.RequireRows(431, "the embedding"));

        Assert.Contains("432 tokens", fault.Message, StringComparison.Ordinal);
        Assert.Contains("431 rows", fault.Message, StringComparison.Ordinal);
        Assert.Contains("id 431, \"{\"", fault.Message, StringComparison.Ordinal);
    }

    private static void AssertGolden(T5Tokenizer tokenizer, string scheme)
    {
        foreach (var row in AddedTokenFixture.Golden[scheme]!.AsArray())
        {
            var text = (string)row!["text"]!;
            int[] ids = [.. row["ids"]!.AsArray().Select(i => (int)i!)];
            Assert.True(
                ids.AsSpan().SequenceEqual(tokenizer.Encode(text, appendEos: false)),
                $"{text}: {string.Join(' ', ids)}, found {string.Join(' ', tokenizer.Encode(text, appendEos: false))}");
            // The tokenizers library leaves the unknown piece out, SentencePiece and T5's own tokenizer mark it.
            if (!ids.Contains(tokenizer.UnkId)) Assert.Equal((string?)row["decoded"], tokenizer.Decode(ids));
        }
    }
}
