using DistillOnnx.Core.Labels;
using DistillOnnx.Training.T5;
using TorchSharp;

namespace DistillOnnx.Toolchain.Export;

/// <summary>What the checkpoint computes for a case, by the modules that trained it.</summary>
internal sealed class ParityReference
{
    private readonly int _vocabulary;

    private ParityReference(float[] states, float[] logits, int vocabulary)
    {
        States = states;
        Logits = logits;
        _vocabulary = vocabulary;
    }

    /// <summary>Encoder states [B, S, d_model].</summary>
    public float[] States { get; }

    /// <summary>Logits [B, T, vocabulary].</summary>
    public float[] Logits { get; }

    /// <summary>Computes a case.</summary>
    public static ParityReference Compute(T5Model model, ParityCase batch)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var mask = torch.tensor(batch.AttentionMask, [batch.Rows, batch.Length]);
        var states = model.Encode(torch.tensor(batch.InputIds, [batch.Rows, batch.Length]), mask);
        var decoded = torch.tensor(batch.DecoderInputIds, [batch.Rows, batch.Decoded]);
        var logits = model.Logits(model.DecodeHidden(decoded, states, mask));
        return new ParityReference(Floats(states), Floats(logits), model.Config.VocabSize);
    }

    /// <summary>
    /// Log-probabilities of labels by the definition, without any short cut: each label's tokens are fed to the decoder, and at
    /// every branching of the trie the softmax runs over the children alone.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The inputs.</param>
    /// <param name="tries">The trie of each row.</param>
    /// <returns>For each row, its labels' log-probabilities.</returns>
    public static double[][] LabelLogProbabilities(T5Model model, ParityCase batch, IReadOnlyList<LabelTrie> tries)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var mask = torch.tensor(batch.AttentionMask, [batch.Rows, batch.Length]);
        var states = model.Encode(torch.tensor(batch.InputIds, [batch.Rows, batch.Length]), mask);
        var scores = new double[batch.Rows][];
        for (var row = 0; row < batch.Rows; row++)
        {
            var trie = tries[row];
            scores[row] = new double[trie.Paths.Count];
            for (var label = 0; label < trie.Paths.Count; label++)
            {
                if (trie.Paths[label].Count == 0) continue;
                var last = trie.Nodes[trie.Paths[label][^1].Node];
                var prefix = new long[last.Depth + 1];
                prefix[0] = model.Config.DecoderStartTokenId;
                for (var node = last; node.Parent >= 0; node = trie.Nodes[node.Parent]) prefix[node.Depth] = node.Token;
                using var inner = torch.NewDisposeScope();
                var logits = Floats(model.Logits(model.DecodeHidden(
                    torch.tensor(prefix, [1, prefix.Length]), states.narrow(0, row, 1), mask.narrow(0, row, 1))));
                foreach (var (at, child) in trie.Paths[label])
                {
                    var branching = trie.Nodes[at];
                    var first = branching.Depth * model.Config.VocabSize;
                    var values = branching.ChildTokens.Select(token => (double)logits[first + token]).ToArray();
                    var max = values.Max();
                    scores[row][label] += values[child] - max - Math.Log(values.Sum(v => Math.Exp(v - max)));
                }
            }
        }

        return scores;
    }

    /// <summary>Logits at one decoder position [B, vocabulary].</summary>
    public float[] LogitsAt(ParityCase batch, int position)
    {
        var values = new float[batch.Rows * _vocabulary];
        for (var row = 0; row < batch.Rows; row++)
            Array.Copy(Logits, ((row * batch.Decoded) + position) * _vocabulary, values, row * _vocabulary, _vocabulary);
        return values;
    }

    private static float[] Floats(torch.Tensor tensor) => tensor.contiguous().data<float>().ToArray();
}
