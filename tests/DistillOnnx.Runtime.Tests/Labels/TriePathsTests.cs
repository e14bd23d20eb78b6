using CsCheck;
using DistillOnnx.Core.Labels;
using DistillOnnx.Runtime.Labels;

namespace DistillOnnx.Runtime.Tests.Labels;

public sealed class TriePathsTests
{
    [Fact]
    public void Of_ThreeNliLabels_NeedsTheStartTokenOnly()
    {
        var trie = LabelTrie.Build([[5, 6, 1], [7, 1], [8, 9, 1]], ["entailment", "neutral", "contradiction"]);
        Assert.Equal([[0]], TriePaths.Of(trie, 0).Sequences);
    }

    [Fact]
    public void Of_BranchingBelowABranching_IsOnePath()
    {
        var trie = LabelTrie.Build([[5, 6, 1], [5, 7, 1], [8, 1]], ["a", "b", "c"]);
        var paths = TriePaths.Of(trie, 9);
        Assert.Equal([[9, 5]], paths.Sequences);
        Assert.All(trie.Branchings, b => Assert.Equal(0, paths.SequenceOf[b.Index]));
    }

    /// <summary>Uniform choices at every branching: probabilities are products of one over the number of children.</summary>
    [Fact]
    public void Labels_AnyTrie_SumsToOneAndVisitsEveryBranching() =>
        Gen.Int[2, 5].Array[1, 4].HashSet[2, 12].Sample(set =>
        {
            var labels = set.Select(s => (IReadOnlyList<int>)[.. s, 1]).DistinctBy(l => string.Join(',', l)).ToArray();
            if (labels.Length < 2) return;
            var trie = LabelTrie.Build(labels, [.. labels.Select(l => string.Join(',', l))]);
            var paths = TriePaths.Of(trie, 0);
            foreach (var branching in trie.Branchings)
            {
                var sequence = paths.Sequences[paths.SequenceOf[branching.Index]];
                for (var node = branching; node.Parent >= 0; node = trie.Nodes[node.Parent]) Assert.Equal(node.Token, sequence[node.Depth]);
            }

            var children = trie.Branchings.ToDictionary(
                b => b.Index,
                b => Enumerable.Repeat(-Math.Log(b.ChildTokens.Count), b.ChildTokens.Count).ToArray());
            Assert.Equal(1, paths.Labels(children).Sum(Math.Exp), 1e-12);
        });
}
