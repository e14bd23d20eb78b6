using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Training.Generation;

/// <summary>
/// What the decoder must compute for a closed set: a position for each trie node up to the last branching, each
/// seeing the nodes on its own path only, and at the branchings the logits of the tokens that may follow.
/// </summary>
internal sealed class LabelPlan
{
    private readonly LabelTrie _trie;

    /// <param name="trie">The closed set.</param>
    /// <param name="config">Gives the start token and the relative positions' buckets.</param>
    public LabelPlan(LabelTrie trie, T5Config config)
    {
        _trie = trie;
        var needed = new SortedSet<int>();
        foreach (var branching in trie.Branchings)
        {
            for (var node = branching.Index; node >= 0; node = trie.Nodes[node].Parent) needed.Add(node);
        }

        int[] nodes = [.. needed];
        Tokens = [.. nodes.Select(n => trie.Nodes[n].Parent < 0 ? config.DecoderStartTokenId : (long)trie.Nodes[n].Token)];
        Buckets = new int[nodes.Length, nodes.Length];
        for (var query = 0; query < nodes.Length; query++)
        {
            for (var key = 0; key < nodes.Length; key++) Buckets[query, key] = -1;
            for (var node = nodes[query]; node >= 0; node = trie.Nodes[node].Parent)
            {
                var distance = trie.Nodes[node].Depth - trie.Nodes[nodes[query]].Depth;
                Buckets[query, Array.BinarySearch(nodes, node)] =
                    RelativePosition.Bucket(distance, bidirectional: false, config.RelativeAttentionNumBuckets, config.RelativeAttentionMaxDistance);
            }
        }

        foreach (var branching in trie.Branchings)
        {
            var position = Array.BinarySearch(nodes, branching.Index);
            foreach (var token in branching.ChildTokens) Choices.Add((position, token));
        }
    }

    /// <summary>What the decoder reads, position by position, parents before children.</summary>
    public long[] Tokens { get; }

    /// <summary>Bucket of the relative position from query to key, or −1 where the query does not see the key.</summary>
    public int[,] Buckets { get; }

    /// <summary>For all children of all branchings, in the trie's order: the position that decides and the token.</summary>
    public List<(int Position, long Token)> Choices { get; } = [];

    /// <summary>The labels' log-probabilities.</summary>
    /// <param name="logits">One a choice, in their order.</param>
    public double[] LogProbabilities(ReadOnlySpan<float> logits)
    {
        var perNode = new Dictionary<int, double[]>();
        foreach (var branching in _trie.Branchings)
        {
            var children = new double[branching.ChildTokens.Count];
            for (var i = 0; i < children.Length; i++) children[i] = logits[i];
            logits = logits[children.Length..];
            var highest = children.Max();
            var log = highest + Math.Log(children.Sum(c => Math.Exp(c - highest)));
            perNode[branching.Index] = [.. children.Select(c => c - log)];
        }

        return [.. _trie.Paths.Select(path => path.Sum(step => perNode[step.Node][step.Child]))];
    }
}
