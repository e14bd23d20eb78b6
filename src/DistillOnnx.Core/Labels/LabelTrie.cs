namespace DistillOnnx.Core.Labels;

/// <summary>
/// The trie of a closed set's token sequences, end token included. A label's probability is the product, along its path,
/// of a softmax over the children that the trie allows at each node: the distribution of constrained decoding. It sums
/// to 1 over the set, and nodes with a single child contribute a factor of 1, so only branchings cost anything.
/// </summary>
public sealed class LabelTrie
{
    private LabelTrie(IReadOnlyList<LabelTrieNode> nodes, IReadOnlyList<IReadOnlyList<LabelTrieStep>> paths)
    {
        Nodes = nodes;
        Paths = paths;
        Branchings = [.. nodes.Where(n => n.IsBranching)];
        Decoded = new bool[nodes.Count];
        foreach (var branching in Branchings)
        {
            for (var node = branching.Index; node >= 0 && !Decoded[node]; node = nodes[node].Parent) Decoded[node] = true;
        }

        Positions = Decoded.Count(d => d);
    }

    /// <summary>All inner nodes, parents before children; the root, at which nothing was decoded yet, comes first.</summary>
    public IReadOnlyList<LabelTrieNode> Nodes { get; }

    /// <summary>The nodes at which a choice is made, in the order of <see cref="Nodes"/>.</summary>
    public IReadOnlyList<LabelTrieNode> Branchings { get; }

    /// <summary>For each label, in the order given, the branchings on its path and the child taken at each.</summary>
    public IReadOnlyList<IReadOnlyList<LabelTrieStep>> Paths { get; }

    /// <summary>How many nodes a decoder must read to decide every branching: the branchings and what leads to them.</summary>
    public int Positions { get; }

    /// <summary>For each node, whether it is one of the <see cref="Positions"/>.</summary>
    internal bool[] Decoded { get; }

    /// <summary>Builds the trie.</summary>
    /// <param name="labels">Each label's token ids, with the end token last.</param>
    /// <param name="names">The labels' texts, for messages.</param>
    /// <exception cref="InputException">Fewer than two labels; or two labels have the same tokens, or one is a prefix of another, and so
    /// cannot be told apart.</exception>
    public static LabelTrie Build(IReadOnlyList<IReadOnlyList<int>> labels, IReadOnlyList<string> names)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(names.Count, labels.Count);
        if (labels.Count < 2) throw new InputException($"a closed set needs at least two labels, found {labels.Count}");

        var children = new List<SortedDictionary<int, int>> { new() };
        var parents = new List<(int Parent, int Token)> { (-1, -1) };
        var ends = new Dictionary<(int Node, int Token), int>();
        for (var label = 0; label < labels.Count; label++)
        {
            var tokens = labels[label];
            if (tokens.Count == 0) throw new InputException($"label \"{names[label]}\" has no tokens");
            var node = 0;
            for (var i = 0; i < tokens.Count; i++)
            {
                var last = i == tokens.Count - 1;
                var known = children[node].TryGetValue(tokens[i], out var child);
                if (known && (last || child < 0))
                {
                    var other = child < 0 ? $"\"{names[ends[(node, tokens[i])]]}\"" : "a longer one";
                    throw new InputException(
                        $"label \"{names[label]}\" cannot be told from {other}: their token sequences coincide or one begins with the "
                            + "other");
                }

                if (!known)
                {
                    child = last ? -1 : children.Count;
                    children[node].Add(tokens[i], child);
                    if (last)
                    {
                        ends[(node, tokens[i])] = label;
                    }
                    else
                    {
                        children.Add([]);
                        parents.Add((node, tokens[i]));
                    }
                }

                node = child;
            }
        }

        var nodes = new LabelTrieNode[children.Count];
        for (var i = 0; i < nodes.Length; i++)
        {
            var (parent, token) = parents[i];
            nodes[i] = new LabelTrieNode(i, parent, token, parent < 0 ? 0 : nodes[parent].Depth + 1, [.. children[i].Keys]);
        }

        var paths = new IReadOnlyList<LabelTrieStep>[labels.Count];
        for (var label = 0; label < labels.Count; label++)
        {
            var steps = new List<LabelTrieStep>();
            var node = 0;
            foreach (var token in labels[label])
            {
                if (nodes[node].IsBranching) steps.Add(new LabelTrieStep(node, nodes[node].ChildIndex(token)));
                node = children[node][token];
            }

            paths[label] = steps;
        }

        return new LabelTrie(nodes, paths);
    }
}
