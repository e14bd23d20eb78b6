using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.Core.Tests.Tokenization;

public class InputEncoderTests
{
    private static readonly TaskSpec Task = new()
    {
        Name = "nli",
        Kind = TaskKind.Labels,
        Labels = ["yes", "no"],
        SegmentSeparator = "</s>",
        MaxInputTokens = 12,
    };

    [Fact]
    public void EncodeInput_PrefixAndSeparator_AreApplied()
    {
        var encoder = new InputEncoder(TokenizerFixture.Load("nfkc"), Task with { MaxInputTokens = null });

        var ids = encoder.EncodeInput("Maya lost maps.</s>It rained.", out var truncated);

        Assert.False(truncated);
        Assert.Equal([.. encoder.Tokenizer.Encode("predict: Maya lost maps."), .. encoder.Tokenizer.Encode("It rained.")], ids);
    }

    [Fact]
    public void EncodeExplainInput_EmptyPrefix_IsTheInputAlone()
    {
        var encoder = new InputEncoder(
            TokenizerFixture.Load("nfkc"), Task with { ExplainPrefix = "", SegmentSeparator = null, MaxInputTokens = null });

        Assert.Equal(encoder.Tokenizer.Encode("Maya lost maps."), encoder.EncodeExplainInput("Maya lost maps.", out _));
    }

    [Fact]
    public void EncodeInput_TooLong_IsCutWithEndKept()
    {
        var encoder = new InputEncoder(TokenizerFixture.Load("nfkc"), Task);

        var ids = encoder.EncodeInput(string.Concat(Enumerable.Repeat("Maya lost maps. ", 20)), out var truncated);

        Assert.True(truncated);
        Assert.Equal(12, ids.Length);
        Assert.Equal(encoder.Tokenizer.EosId, ids[^1]);
    }

    [Fact]
    public void BuildTrie_Labels_PathsAreTheirIds()
    {
        var encoder = new InputEncoder(TokenizerFixture.Load("nfkc"), Task);

        var trie = encoder.BuildTrie(["yes", "no"]);

        var branching = Assert.Single(trie.Branchings);
        Assert.Equal(2, branching.ChildTokens.Count);
        Assert.All(trie.Paths, p => Assert.Equal(branching.Index, Assert.Single(p).Node));
        Assert.NotEqual(trie.Paths[0][0].Child, trie.Paths[1][0].Child);
    }

    [Fact]
    public void BuildTrieWithin_ChoicesOfMoreTokensThanAllowed_AreRefused()
    {
        var encoder = new InputEncoder(TokenizerFixture.Load("nfkc"), Task);
        string[] choices = ["yes", "no", "maybe"];
        var tokens = choices.Sum(c => encoder.EncodeLabel(c).Length);

        Assert.Equal(encoder.BuildTrie(choices).Nodes.Count, encoder.BuildTrieWithin(choices, tokens).Nodes.Count);
        var fault = Assert.Throws<InputException>(() => encoder.BuildTrieWithin(choices, tokens - 1));

        Assert.Equal($"choices: expected at most {tokens - 1} tokens together, found more", fault.Message);
    }

    [Fact]
    public void BuildTrie_LabelsWithoutDifference_AreRefused()
    {
        var encoder = new InputEncoder(TokenizerFixture.Load("nfkc"), Task);

        Assert.Throws<InputException>(() => encoder.BuildTrie(["\u4e2d", "\u6587"]));
    }
}
