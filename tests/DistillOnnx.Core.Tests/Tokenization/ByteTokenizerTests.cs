using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>ByT5: three special tokens, 256 bytes, 125 sentinels.</summary>
public class ByteTokenizerTests
{
    [Fact]
    public void Encode_Text_IsItsBytes()
    {
        using var directory = new TemporaryDirectory();
        var tokenizer = Load(directory);

        Assert.Equal(384, tokenizer.VocabularySize);
        Assert.Equal(125, tokenizer.ExtraIds);
        Assert.Equal([75, 108, 35, 198, 172, 1], tokenizer.Encode("Hi \u00e9"));
        Assert.Equal(259, tokenizer.SentinelId(0));
        Assert.Equal(383, tokenizer.SentinelId(124));
        Assert.Equal(" a </s>\n\u4e2d\U0001f600 ", tokenizer.Decode(tokenizer.Encode(" a </s>\n\u4e2d\U0001f600 ")));
    }

    [Fact]
    public void Decode_BytesThatAreNoText_AreLeftOut()
    {
        using var directory = new TemporaryDirectory();

        Assert.Equal("aab\u00e9", Load(directory).Decode([0, 100, 231, 100, 2, 101, 258, 300, 5_000, 198, 172, 231, 1, 100]));
    }

    [Fact]
    public void Encode_AddedTokens_AreFoundAndSaved()
    {
        using var directory = new TemporaryDirectory();
        using var saved = new TemporaryDirectory();
        Load(directory, ""","added_tokens_decoder":{"384":{"content":"<ORG>","special":true},"385":{"content":"==","special":false}}""")
            .Save(saved.Path);

        var tokenizer = T5Tokenizer.Load(saved.Path);

        Assert.Equal([384, 35, 385, 100], tokenizer.Encode("<ORG> ==a", appendEos: false));
        Assert.Equal(" ==a", tokenizer.Decode([384, 35, 385, 100]));
        Assert.False(File.Exists(saved["tokenizer.json"]));
    }

    [Fact]
    public void Load_WithVocabularyFile_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        Load(directory);
        File.WriteAllBytes(directory["spiece.model"], TokenizerFixture.Bytes("nfkc"));

        Assert.Contains(
            "ByT5Tokenizer", Assert.Throws<InputException>(() => T5Tokenizer.Load(directory.Path)).Message, StringComparison.Ordinal);
    }

    private static T5Tokenizer Load(TemporaryDirectory directory, string more = "")
    {
        File.WriteAllText(directory["tokenizer_config.json"], $$"""{"tokenizer_class":"ByT5Tokenizer","extra_ids":125{{more}}}""");
        return T5Tokenizer.Load(directory.Path);
    }
}
