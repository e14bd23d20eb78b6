using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// The tokens among which each position's softmax runs, as what is added to its scores. Positions share few sets: those at the branchings
/// of a closed set's trie.
/// </summary>
/// <param name="vocabulary">Width of the scores.</param>
internal sealed class AllowedTokens(int vocabulary)
{
    private readonly Dictionary<int[], int> _sets = [];
    private readonly List<long> _chosen = [];

    /// <summary>Notes the set of the next position; either all positions of a part have one, or none.</summary>
    /// <param name="tokens">The tokens.</param>
    public void Add(int[] tokens)
    {
        if (!_sets.TryGetValue(tokens, out var set)) _sets.Add(tokens, set = _sets.Count);
        _chosen.Add(set);
    }

    /// <summary>float32 [sets, V]: 0 at a set's tokens, otherwise −∞; [0, V] where there are no sets.</summary>
    public Tensor Biases()
    {
        var biases = new float[_sets.Count * vocabulary];
        Array.Fill(biases, float.NegativeInfinity);
        foreach (var (tokens, set) in _sets)
        {
            foreach (var token in tokens) biases[(set * vocabulary) + token] = 0;
        }

        return tensor(biases, [_sets.Count, vocabulary]);
    }

    /// <summary>Each position's set: int64 [n], or [0].</summary>
    public Tensor Chosen() => tensor(_chosen.ToArray());
}
