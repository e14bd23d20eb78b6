using DistillOnnx.Core.Labels;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// Probabilities of a closed set: those of decoding that is held to the set's token sequences. All prefixes are decoded in one
/// pass of the decoder over the set's trie.
/// </summary>
/// <param name="model">The model; dropout is off while it scores.</param>
internal sealed class T5Labels(T5Model model)
{
    /// <summary>Scores one closed set for all inputs.</summary>
    /// <param name="inputs">The batch.</param>
    /// <param name="labels">The closed set.</param>
    /// <returns>For each input, the labels' log-probabilities in the set's order.</returns>
    public IReadOnlyList<double[]> Score(PaddedBatch inputs, LabelTrie labels)
    {
        var plan = LabelPlan.Create(labels, model.Config.DecoderStartTokenId);
        return Score(inputs, [.. Enumerable.Repeat(plan, (int)inputs.Ids.shape[0])]);
    }

    /// <summary>Scores a closed set of its own for each input.</summary>
    /// <param name="inputs">The batch.</param>
    /// <param name="labels">One closed set an input.</param>
    /// <returns>For each input, its labels' log-probabilities in its set's order.</returns>
    public IReadOnlyList<double[]> Score(PaddedBatch inputs, IReadOnlyList<LabelTrie> labels)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Count, (int)inputs.Ids.shape[0]);
        return Score(inputs, labels.Select(l => LabelPlan.Create(l, model.Config.DecoderStartTokenId)).ToArray());
    }

    private IReadOnlyList<double[]> Score(PaddedBatch inputs, LabelPlan[] plans)
    {
        using var inference = new InferenceScope(model);
        var length = plans.Max(p => p.Tokens.Count);
        var tokens = new long[plans.Length * length];
        Array.Fill(tokens, model.Config.PadTokenId);
        var (positions, children) = (new List<long>(), new List<long>());
        for (var b = 0; b < plans.Length; b++)
        {
            for (var i = 0; i < plans[b].Tokens.Count; i++) tokens[b * length + i] = plans[b].Tokens[i];
            for (var q = 0; q < plans[b].Branchings.Count; q++)
            {
                foreach (var token in plans[b].Children[q])
                {
                    positions.Add(b * length + plans[b].Branchings[q]);
                    children.Add(token);
                }
            }
        }

        var encoded = model.Encode(inputs.Ids, inputs.Mask);
        var ids = tensor(tokens, [plans.Length, length], device: model.Device);
        var hidden = model.DecodeHidden(ids, p => TreeBias(p, plans, length), encoded, inputs.Mask).view(-1, model.Config.DModel);

        // Only the tokens that may follow are scored, so the product is row by row.
        var queries = model.HeadInput(hidden.index_select(0, tensor(positions.ToArray(), device: model.Device)));
        var rows = model.HeadWeight.index_select(0, tensor(children.ToArray(), device: model.Device));
        var logits = (queries * rows).sum(-1).cpu().data<float>().ToArray();                   // (choices of all rows)
        var answers = new double[plans.Length][];
        var rest = logits.AsSpan();
        for (var b = 0; b < plans.Length; b++) answers[b] = LogProbabilities(plans[b], ref rest);
        return answers;
    }

    /// <summary>The labels' log-probabilities, from the logits of all children of all branchings, which are taken off.</summary>
    private static double[] LogProbabilities(LabelPlan plan, ref Span<float> logits)
    {
        var shares = new double[plan.Branchings.Count][];
        for (var q = 0; q < shares.Length; q++)
        {
            var children = new double[plan.Children[q].Count];
            for (var i = 0; i < children.Length; i++) children[i] = logits[i];
            logits = logits[children.Length..];
            var highest = children.Max();
            var log = highest + Math.Log(children.Sum(c => Math.Exp(c - highest)));
            shares[q] = [.. children.Select(c => c - log)];
        }

        return [.. plan.Paths.Select(path => path.Sum(step => shares[step.Branching][step.Child]))];
    }

    /// <summary>Position bias and mask of the trie's nodes: [B, heads, N, N], or [1, …] where all inputs share one set.</summary>
    private Tensor TreeBias(T5RelativePosition relative, LabelPlan[] plans, int length)
    {
        var distinct = plans.Distinct().Count() == 1 ? plans[..1] : plans;
        var buckets = new int[distinct.Length * length * length];
        var mask = new float[buckets.Length];
        Array.Fill(mask, (float)T5Model.MaskedScore);
        for (var b = 0; b < distinct.Length; b++)
        {
            var plan = distinct[b];
            for (var query = 0; query < length; query++)
            {
                // Padding positions see themselves, so that their softmax has something to sum.
                if (query >= plan.Tokens.Count) mask[(b * length + query) * length + query] = 0;
                for (var key = query; query < plan.Tokens.Count && key >= 0; key = plan.Parents[key])
                {
                    var index = (b * length + query) * length + key;
                    buckets[index] = relative.Bucket(plan.Depths[key] - plan.Depths[query]);
                    mask[index] = 0;
                }
            }
        }

        return relative.Bias(buckets, distinct.Length, length, length)
            .Plus(tensor(mask, [distinct.Length, 1, length, length], device: model.Device));
    }
}
