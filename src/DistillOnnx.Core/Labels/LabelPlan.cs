
namespace DistillOnnx.Core.Labels;

/// <summary>
/// What a decoder must work out to score a closed set, and nothing else: a position for each trie prefix up to the last
/// branching, and logits for the tokens among which a branching chooses. The graphs of fixed label sets are built from it;
/// for per-row choices it becomes their inputs (<c>ChoiceInputs</c>).
/// </summary>
public sealed class LabelPlan
{
    private LabelPlan(int[] tokens, int[] parents, int[] depths, int[] branchings, int[][] children, (int Branching, int Child)[][] paths)
    {
        Tokens = tokens;
        Parents = parents;
        Depths = depths;
        Branchings = branchings;
        Children = children;
        Paths = paths;
    }

    /// <summary>What the decoder reads at each position, parents before children; the start token comes first.</summary>
    public IReadOnlyList<int> Tokens { get; }

    /// <summary>The position one token shorter, −1 at the first.</summary>
    public IReadOnlyList<int> Parents { get; }

    /// <summary>The place of each position in its own sequence, from 0: what relative distances are taken from.</summary>
    public IReadOnlyList<int> Depths { get; }

    /// <summary>The positions at which labels part.</summary>
    public IReadOnlyList<int> Branchings { get; }

    /// <summary>For each branching, the tokens that may follow, ascending.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Children { get; }

    /// <summary>For each label, the branchings on its path, as indices of <see cref="Branchings"/>, and the child taken at each.</summary>
    public IReadOnlyList<IReadOnlyList<(int Branching, int Child)>> Paths { get; }

    /// <summary>Plans the scoring of a trie.</summary>
    /// <param name="trie">The labels.</param>
    /// <param name="startToken">What the decoder reads first.</param>
    public static LabelPlan Create(LabelTrie trie, int startToken)
    {
        var nodes = trie.Nodes.Where(n => trie.Decoded[n.Index]).ToArray();
        var position = new int[trie.Nodes.Count];
        for (var i = 0; i < nodes.Length; i++) position[nodes[i].Index] = i;
        var branchings = nodes.Where(n => n.IsBranching).ToArray();
        var branchingOf = new Dictionary<int, int>();
        for (var i = 0; i < branchings.Length; i++) branchingOf[branchings[i].Index] = i;
        return new LabelPlan(
            [.. nodes.Select(n => n.Parent < 0 ? startToken : n.Token)],
            [.. nodes.Select(n => n.Parent < 0 ? -1 : position[n.Parent])],
            [.. nodes.Select(n => n.Depth)],
            [.. branchings.Select(n => position[n.Index])],
            [.. branchings.Select(n => n.ChildTokens.ToArray())],
            [.. trie.Paths.Select(p => p.Select(s => (branchingOf[s.Node], s.Child)).ToArray())]);
    }

    /// <summary>Whether a position sees another: itself and those that its sequence began with.</summary>
    /// <param name="query">The position that looks.</param>
    /// <param name="key">The position looked at.</param>
    public bool Sees(int query, int key)
    {
        for (var at = query; at >= key; at = Parents[at])
        {
            if (at == key) return true;
        }

        return false;
    }
}
