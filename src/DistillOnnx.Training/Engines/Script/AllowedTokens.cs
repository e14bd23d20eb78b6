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

    /// <summary>Tokens of the largest set.</summary>
    public int Largest => _sets.Count == 0 ? 0 : _sets.Keys.Max(s => s.Length);

    /// <summary>[sets, tokens], row by row: those of each set; where there are fewer, the last one again, and where there are fewer sets,
    /// a token of the first.</summary>
    /// <param name="sets">At least <see cref="Count"/>.</param>
    /// <param name="tokens">At least <see cref="Largest"/>.</param>
    public long[] Tokens(int sets, int tokens)
    {
        var ids = new long[sets * tokens];
        foreach (var (own, set) in _sets)
        {
            for (var i = 0; i < tokens; i++) ids[(set * tokens) + i] = own[Math.Min(i, own.Length - 1)];
        }

        // What no target has still has to have a token, so that its softmax is a number.
        if (Any is { } any) ids.AsSpan(_sets.Count * tokens).Fill(any);
        return ids;
    }
}
