using DistillOnnx.Core.Labels;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Generation;

/// <summary>
/// Probabilities of a closed set: those of decoding that is held to the set's token sequences. All prefixes are decoded in one
/// pass of the decoder over the set's trie.
/// </summary>
/// <param name="model">The model; dropout is off while it scores.</param>
public sealed class LabelScorer(T5Model model)
{
    /// <summary>Scores one closed set for all inputs.</summary>
    /// <param name="inputs">The batch.</param>
    /// <param name="labels">The closed set.</param>
    /// <returns>For each input, the labels' log-probabilities in the set's order.</returns>
    public IReadOnlyList<double[]> Score(TokenBatch inputs, LabelTrie labels)
    {
        var plan = new LabelPlan(labels, model.Config);
        return Score(inputs, [.. Enumerable.Repeat(plan, (int)inputs.Ids.shape[0])]);
    }

    /// <summary>Scores a closed set of its own for each input.</summary>
    /// <param name="inputs">The batch.</param>
    /// <param name="labels">One closed set an input.</param>
    /// <returns>For each input, its labels' log-probabilities in its set's order.</returns>
    public IReadOnlyList<double[]> Score(TokenBatch inputs, IReadOnlyList<LabelTrie> labels)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Count, (int)inputs.Ids.shape[0]);
        return Score(inputs, labels.Select(l => new LabelPlan(l, model.Config)).ToArray());
    }

    private IReadOnlyList<double[]> Score(TokenBatch inputs, LabelPlan[] plans)
    {
        using var inference = new InferenceScope(model);
        var length = plans.Max(p => p.Tokens.Length);
        var tokens = new long[plans.Length * length];
        var (positions, children) = (new List<long>(), new List<long>());
        for (var b = 0; b < plans.Length; b++)
        {
            Array.Fill(tokens, model.Config.PadTokenId, b * length, length);
            plans[b].Tokens.CopyTo(tokens, b * length);
            foreach (var (position, token) in plans[b].Choices)
            {
                positions.Add(b * length + position);
                children.Add(token);
            }
        }

        var encoded = model.Encode(inputs.Ids, inputs.Mask);
        var ids = tensor(tokens, [plans.Length, length], device: model.Device);
        var hidden = model.DecodeHidden(ids, TreeBias(plans, length), encoded, inputs.Mask).view(-1, model.Config.DModel);

        // Only the tokens that may follow are scored, so the product is row by row.
        var queries = model.HeadInput(hidden.index_select(0, tensor(positions.ToArray(), device: model.Device)));
        var rows = model.HeadWeight.index_select(0, tensor(children.ToArray(), device: model.Device));
        var logits = (queries * rows).sum(-1).cpu().data<float>().ToArray();                   // (choices of all rows)
        var answers = new double[plans.Length][];
        for (int b = 0, first = 0; b < plans.Length; first += plans[b++].Choices.Count)
            answers[b] = plans[b].LogProbabilities(logits.AsSpan(first, plans[b].Choices.Count));
        return answers;
    }

    /// <summary>Position bias and mask of the trie's nodes: [B, heads, N, N], or [1, …] where all inputs share one set.</summary>
    private Tensor TreeBias(LabelPlan[] plans, int length)
    {
        var distinct = plans.Distinct().Count() == 1 ? plans[..1] : plans;
        var buckets = new long[distinct.Length * length * length];
        var mask = new float[buckets.Length];
        Array.Fill(mask, (float)T5Model.MaskedScore);
        for (var b = 0; b < distinct.Length; b++)
        {
            var nodes = distinct[b].Tokens.Length;
            for (var query = 0; query < length; query++)
            {
                for (var key = 0; key < length; key++)
                {
                    // Padding positions see themselves, so that their softmax has something to sum.
                    var bucket = query < nodes && key < nodes ? distinct[b].Buckets[query, key] : query == key ? 0 : -1;
                    if (bucket < 0) continue;
                    var index = (b * length + query) * length + key;
                    buckets[index] = bucket;
                    mask[index] = 0;
                }
            }
        }

        var weight = model.Decoder.Blocks[0].SelfAttention.RelativeBias!.Weight;
        var bias = weight.index_select(0, tensor(buckets, device: model.Device))
            .view(distinct.Length, length, length, model.Config.NumHeads)
            .permute(0, 3, 1, 2);                                                              // (B, H, N, N)
        return bias + tensor(mask, [distinct.Length, 1, length, length], device: model.Device);
    }
}
