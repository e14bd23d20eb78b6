using DistillOnnx.Core.Labels;

namespace DistillOnnx.Runtime.Labels;

/// <summary>
/// The decoder inputs that between them visit every branching of a trie: one for each branching below which there is no
/// other. Their logits at a branching's depth decide there.
/// </summary>
internal sealed class TriePaths
{
    private TriePaths(LabelTrie trie, int[][] sequences, Dictionary<int, int> sequenceOf)
    {
        Trie = trie;
        Sequences = sequences;
        SequenceOf = sequenceOf;
    }

    public LabelTrie Trie { get; }

    /// <summary>Decoder tokens of each path, the start token first.</summary>
    public int[][] Sequences { get; }

    /// <summary>For each branching's node index, the first path that visits it.</summary>
    public IReadOnlyDictionary<int, int> SequenceOf { get; }

    /// <summary>Finds the paths.</summary>
    /// <param name="trie">The trie of the labels' tokens.</param>
    /// <param name="startToken">What the decoder reads first.</param>
    public static TriePaths Of(LabelTrie trie, int startToken)
    {
        var above = new HashSet<int>();
        foreach (var node in trie.Branchings)
        {
            for (var parent = node.Parent; parent >= 0; parent = trie.Nodes[parent].Parent) above.Add(parent);
        }

        var sequences = new List<int[]>();
        var sequenceOf = new Dictionary<int, int>();
        foreach (var last in trie.Branchings)
        {
            if (above.Contains(last.Index)) continue;
            var tokens = new int[last.Depth + 1];
            tokens[0] = startToken;
            for (var node = last; ; node = trie.Nodes[node.Parent])
            {
                if (node.IsBranching) sequenceOf.TryAdd(node.Index, sequences.Count);
                if (node.Parent < 0) break;
                tokens[node.Depth] = node.Token;
            }

            sequences.Add(tokens);
        }

        return new TriePaths(trie, [.. sequences], sequenceOf);
    }

    /// <summary>Turns the log-probabilities of every branching's children into those of the labels.</summary>
    /// <param name="ofChild">Log-probability of a child at a branching, by node index and position among the children.</param>
    public double[] Labels(IReadOnlyDictionary<int, double[]> ofChild)
    {
        var labels = new double[Trie.Paths.Count];
        for (var label = 0; label < labels.Length; label++)
        {
            foreach (var step in Trie.Paths[label]) labels[label] += ofChild[step.Node][step.Child];
        }

        return labels;
    }
}
