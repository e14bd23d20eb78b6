using CsCheck;
using DistillOnnx.Core.Labels;

namespace DistillOnnx.Core.Tests.Labels;

public class LabelTrieTests
{
    // entailment, neutral and contradiction as T5 tokenises them: three first tokens, then single children.
    private static readonly int[][] Nli = [[3, 35, 5756, 297, 1], [7163, 1], [27252, 1]];

    private static LabelTrie Build(params int[][] labels) => LabelTrie.Build(labels, [.. labels.Select((_, i) => $"label{i}")]);

    [Fact]
    public void Build_DistinctFirstTokens_BranchesOnceAtTheRoot()
    {
        var trie = Build(Nli);
        var root = Assert.Single(trie.Branchings);
        Assert.Equal((0, -1, -1, 0), (root.Index, root.Parent, root.Token, root.Depth));
        Assert.Equal([3, 7163, 27252], root.ChildTokens);
        Assert.Equal([0, 1, 2], trie.Paths.Select(p => Assert.Single(p).Child));
        Assert.Equal(7, trie.Nodes.Count);
    }

    [Fact]
    public void Build_SharedPrefix_BranchesWhereTheyPart()
    {
        var trie = Build([5, 6, 1], [5, 7, 1], [8, 1]);
        Assert.Equal([0, 1], trie.Branchings.Select(b => b.Depth));
        Assert.Equal([new LabelTrieStep(0, 0), new LabelTrieStep(1, 0)], trie.Paths[0]);
        Assert.Equal([new LabelTrieStep(0, 0), new LabelTrieStep(1, 1)], trie.Paths[1]);
        Assert.Equal([new LabelTrieStep(0, 1)], trie.Paths[2]);
        Assert.Equal((0, 5), (trie.Nodes[1].Parent, trie.Nodes[1].Token));
    }

    [Fact]
    public void Build_LabelThatBeginsAnother_PartsAtTheEndToken()
    {
        var trie = Build([5, 1], [5, 6, 1]);
        var branching = Assert.Single(trie.Branchings);
        Assert.Equal([1, 6], branching.ChildTokens);
        Assert.Equal(1, branching.Depth);
    }

    [Fact]
    public void Build_LabelsThatCannotBeToldApart_NamesBoth()
    {
        Assert.Contains("\"b\"", Assert.Throws<InputException>(() => LabelTrie.Build([[5, 1], [5, 1]], ["a", "b"])).Message);
        Assert.Contains("\"a\"", Assert.Throws<InputException>(() => LabelTrie.Build([[5], [5, 1]], ["a", "b"])).Message);
        Assert.Contains("\"b\"", Assert.Throws<InputException>(() => LabelTrie.Build([[5, 1], [5]], ["a", "b"])).Message);
        Assert.Contains("no tokens", Assert.Throws<InputException>(() => LabelTrie.Build([[5, 1], []], ["a", "b"])).Message);
        Assert.Contains("at least two", Assert.Throws<InputException>(() => LabelTrie.Build([[5, 1]], ["a"])).Message);
    }

    [Fact]
    public void Positions_AnyLabels_AreThoseThatTheirPlanReads()
    {
        Assert.Equal(1, Build(Nli).Positions);
        Assert.Equal(3, Build([5, 6, 7, 1], [5, 6, 8, 9, 1]).Positions);
        var label = Gen.Int[2, 6].Array[0, 4].Select(tokens => (int[])[.. tokens, 1]);
        label.Array[2, 12].Sample(labels =>
        {
            var distinct = labels.DistinctBy(l => string.Join(",", l)).ToArray();
            if (distinct.Length < 2) return true;
            var trie = Build(distinct);
            return trie.Positions == LabelPlan.Create(trie, startToken: 0).Tokens.Count;
        }, iter: 300);
    }

    [Fact]
    public void ChildIndex_TokenThatMayNotFollow_IsMinusOne() => Assert.Equal(-1, Build(Nli).Nodes[0].ChildIndex(4));

    [Fact]
    public void Paths_AnyScores_GiveProbabilitiesThatSumToOne()
    {
        var label = Gen.Int[2, 6].Array[0, 4].Select(tokens => (int[])[.. tokens, 1]);
        label.Array[2, 12].Sample(labels =>
        {
            var distinct = labels.DistinctBy(l => string.Join(",", l)).ToArray();
            if (distinct.Length < 2) return;
            var trie = Build(distinct);
            var total = trie.Paths.Sum(path => path.Aggregate(1.0, (p, step) => p * Softmax(trie.Nodes[step.Node], step.Child)));
            Assert.Equal(1, total, 9);
            Assert.All(trie.Nodes.Skip(1), n => Assert.True(n.Parent < n.Index && trie.Nodes[n.Parent].ChildIndex(n.Token) >= 0));
        }, seed: "0000KOIPe036", iter: 300);

        static double Softmax(LabelTrieNode node, int child)
        {
            double Score(int token) => Math.Exp(((node.Index * 31 + token * 7) % 11) / 3.0);
            return Score(node.ChildTokens[child]) / node.ChildTokens.Sum(Score);
        }
    }
}
