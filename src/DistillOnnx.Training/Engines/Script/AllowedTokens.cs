namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// The tokens among which each target's softmax runs. Targets share few sets: those at the branchings of a closed set's trie.
/// </summary>
internal sealed class AllowedTokens
{
    private readonly Dictionary<int[], int> _sets = [];

    /// <summary>A token of the set of number 0, for places that count nothing; null where there are no sets.</summary>
    public int? Any { get; private set; }

    /// <summary>Sets so far.</summary>
    public int Count => _sets.Count;

    /// <summary>The number of a set.</summary>
    /// <param name="tokens">Its tokens.</param>
    public int Number(int[] tokens)
    {
        if (_sets.TryGetValue(tokens, out var set)) return set;
        Any ??= tokens[0];
        return _sets[tokens] = _sets.Count;
    }

    /// <summary>[sets, most tokens of a set], row by row: the tokens of each; where there are fewer, its last one again.</summary>
    public long[] Tokens()
    {
        var width = _sets.Count == 0 ? 0 : _sets.Keys.Max(s => s.Length);
        var ids = new long[_sets.Count * width];
        foreach (var (tokens, set) in _sets)
        {
            for (var i = 0; i < width; i++) ids[(set * width) + i] = tokens[Math.Min(i, tokens.Length - 1)];
        }

        return ids;
    }
}
