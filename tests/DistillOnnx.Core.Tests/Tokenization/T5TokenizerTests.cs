using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

public class T5TokenizerTests
{
    [Theory]
    [InlineData("nfkc")]
    [InlineData("bytes")]
    public void Encode_GoldenTexts_EqualsSentencePiece(string model)
    {
        var tokenizer = TokenizerFixture.Load(model);
        foreach (var row in TokenizerFixture.Golden(model)) Assert.Equal(row.Ids, tokenizer.Encode(row.Text, appendEos: false));
    }

    [Theory]
    [InlineData("nfkc")]
    [InlineData("bytes")]
    public void Decode_GoldenIds_EqualsSentencePiece(string model)
    {
        var tokenizer = TokenizerFixture.Load(model);
        foreach (var row in TokenizerFixture.Golden(model)) Assert.Equal(row.Decoded, tokenizer.Decode(row.Ids));
    }

    [Fact]
    public void Encode_EmptyText_GivesEndOnly() => Assert.Equal([1], TokenizerFixture.Load("nfkc").Encode(""));

    [Fact]
    public void Encode_LongerThanLimit_IsCutAndKeepsEnd()
    {
        var tokenizer = TokenizerFixture.Load("nfkc");
        var whole = tokenizer.Encode("The baker counted 12 apples in the market.");

        var cut = tokenizer.Encode("The baker counted 12 apples in the market.", 6, out var truncated);
        var fits = tokenizer.Encode("The baker counted 12 apples in the market.", whole.Length, out var fitsTruncated);

        Assert.True(truncated);
        Assert.Equal([.. whole[..5], tokenizer.EosId], cut);
        Assert.False(fitsTruncated);
        Assert.Equal(whole, fits);
    }

    [Fact]
    public void Encode_LimitBelowOne_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenizerFixture.Load("nfkc").Encode("x", 0, out _));

    [Fact]
    public void Encode_Separator_BecomesEndToken()
    {
        var tokenizer = TokenizerFixture.Load("nfkc");
        var text = "The baker lost maps.</s>Nobody found them.";

        var ids = tokenizer.Encode(text, "</s>", 100, out _);

        Assert.Equal([.. tokenizer.Encode("The baker lost maps."), .. tokenizer.Encode("Nobody found them.")], ids);
    }

    [Fact]
    public void Encode_LiteralEndWithoutSeparator_StaysText()
    {
        var ids = TokenizerFixture.Load("nfkc").Encode("a </s> b <extra_id_0> <pad>", appendEos: false);

        Assert.All(ids, id => Assert.InRange(id, 2, 329));
    }

    [Fact]
    public void Decode_StopsAtFirstEnd_SkipsPaddingSentinelsAndForeignIds()
    {
        var tokenizer = TokenizerFixture.Load("nfkc");
        var maya = tokenizer.Encode("Maya lost", appendEos: false);

        var text = tokenizer.Decode([tokenizer.PadId, .. maya, tokenizer.SentinelId(0), 99_999, -1, tokenizer.EosId, .. maya]);

        Assert.Equal("Maya lost", text);
    }

    [Fact]
    public void SentinelId_AppendedAndInModel_AreFound()
    {
        var appended = TokenizerFixture.Load("nfkc");
        var within = TokenizerFixture.Load("bytes");

        Assert.Equal(430, appended.VocabularySize);
        Assert.Equal(429, appended.SentinelId(0));
        Assert.Equal(330, appended.SentinelId(99));
        Assert.Throws<ArgumentOutOfRangeException>(() => appended.SentinelId(100));
        Assert.Equal(590, within.VocabularySize);
        Assert.Equal("\u2581<extra_id_0>", within.Model.Pieces[within.SentinelId(0)].Text);
    }

    [Fact]
    public void Encode_ManyThreads_AgreesWithOne()
    {
        var tokenizer = TokenizerFixture.Load("nfkc");
        var rows = TokenizerFixture.Golden("nfkc").ToArray();

        Parallel.For(0, 2000, i => Assert.Equal(rows[i % rows.Length].Ids, tokenizer.Encode(rows[i % rows.Length].Text, appendEos: false)));
    }

    [Fact]
    public void Save_ThenLoad_GivesTheSameTokenizer()
    {
        using var directory = new TemporaryDirectory();
        var tokenizer = T5Tokenizer.FromModel(TokenizerFixture.Bytes("nfkc"), extraIds: 7);

        tokenizer.Save(directory.Path);
        var again = T5Tokenizer.Load(directory.Path);

        Assert.Equal(337, again.VocabularySize);
        Assert.Equal(tokenizer.ModelBytes.ToArray(), again.ModelBytes.ToArray());
    }
}
