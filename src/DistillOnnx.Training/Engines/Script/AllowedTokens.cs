namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// The tokens among which each target's softmax runs, as what is added to its scores. Targets share few sets: those at the branchings
/// of a closed set's trie.
/// </summary>
/// <param name="vocabulary">Width of the scores.</param>
internal sealed class AllowedTokens(int vocabulary)
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

    /// <summary>[sets, V], row by row: 0 at a set's tokens, otherwise −∞.</summary>
    public float[] Biases()
    {
        var biases = new float[_sets.Count * vocabulary];
        Array.Fill(biases, float.NegativeInfinity);
        foreach (var (tokens, set) in _sets)
        {
            foreach (var token in tokens) biases[(set * vocabulary) + token] = 0;
        }

        return biases;
    }
}
