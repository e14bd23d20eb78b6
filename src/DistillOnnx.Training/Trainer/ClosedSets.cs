using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;

namespace DistillOnnx.Training.Trainer;

/// <summary>Which tokens could stand at each place of a label, within the closed set that it is of.</summary>
/// <param name="encoder">Encodes labels.</param>
internal sealed class ClosedSets(InputEncoder encoder)
{
    private Dictionary<string, IReadOnlyList<int[]>>? _shared;

    /// <summary>The allowed tokens of each token of a row's label.</summary>
    /// <param name="example">The row.</param>
    /// <param name="label">Its label, or the teacher's.</param>
    /// <exception cref="InputException">The label is none of the row's choices.</exception>
    public IReadOnlyList<int[]> Allowed(Example example, string label)
    {
        var sets = encoder.Task.Kind == TaskKind.Labels ? _shared ??= Of(encoder.Task.Labels!) : Of(example.Choices!);
        return sets.TryGetValue(label, out var allowed)
            ? allowed
            : throw new InputException($"row {example.Id}: --label-loss closed-set: the label \"{label}\" is none of its choices");
    }

    private Dictionary<string, IReadOnlyList<int[]>> Of(IReadOnlyList<string> labels)
    {
        var trie = encoder.BuildTrie(labels);
        int[][] children = [.. trie.Nodes.Select(n => n.ChildTokens.ToArray())];
        var next = trie.Nodes.Skip(1).ToDictionary(n => (n.Parent, n.Token), n => n.Index);
        var sets = new Dictionary<string, IReadOnlyList<int[]>>(StringComparer.Ordinal);
        foreach (var label in labels)
        {
            var tokens = encoder.EncodeLabel(label);
            var allowed = new int[tokens.Length][];
            for (int i = 0, node = 0; i < tokens.Length; i++)
            {
                allowed[i] = children[node];
                if (i + 1 < tokens.Length) node = next[(node, tokens[i])];
            }

            sets[label] = allowed;
        }

        return sets;
    }
}
