using DistillOnnx.Core.Prediction;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Generation;

/// <summary>Decodes open text token by token, keeping keys and values of what was decoded.</summary>
/// <param name="model">The model; dropout is off while it generates.</param>
internal sealed class StudentGenerator(T5Model model)
{
    /// <summary>Why an input has no answer.</summary>
    internal const string NoNumbers = "the model answers this input with values that are no numbers";

    /// <summary>Takes the most probable token at each step.</summary>
    /// <param name="inputs">The batch to answer.</param>
    /// <param name="maxNewTokens">Most tokens to decode, end token included.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>For each input its tokens, without the start token, with the end token where it came.</returns>
    /// <exception cref="InferenceException">A logit is not a number, or the largest one is infinite.</exception>
    public IReadOnlyList<int[]> Greedy(PaddedBatch inputs, int maxNewTokens, CancellationToken cancellationToken = default)
    {
        using var inference = new InferenceScope(model);
        var answers = Enumerable.Range(0, (int)inputs.Ids.shape[0]).Select(_ => new List<int>()).ToArray();
        var caches = model.CrossCaches(model.Encode(inputs.Ids, inputs.Mask), grows: true);
        try
        {
            var crossBias = T5Model.MaskBias(inputs.Mask);
            var open = Enumerable.Range(0, answers.Length).ToArray();
            var last = TensorMath.Constant([open.Length, 1], model.Config.DecoderStartTokenId, ScalarType.Int64, model.Device);
            for (var position = 0; position < maxNewTokens && open.Length > 0; position++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                // The largest of a row with a NaN is NaN.
                var (largest, tokens) = model.Logits(model.DecodeStep(last, position, caches, crossBias)).max(-1);   // (B)
                RequireNumbers(largest);
                var ids = tokens.cpu().data<long>().ToArray();
                for (var i = 0; i < open.Length; i++) answers[open[i]].Add((int)ids[i]);

                last = tokens.unsqueeze(1);
                var going = Enumerable.Range(0, open.Length).Where(i => !model.Config.IsEnd((int)ids[i])).ToArray();
                if (going.Length < open.Length)
                {
                    open = [.. going.Select(i => open[i])];
                    if (open.Length == 0) break;
                    var rows = tensor(going.Select(i => (long)i).ToArray(), device: model.Device);
                    last = last.index_select(0, rows);
                    crossBias = crossBias.index_select(0, rows).MoveToOuterDisposeScope();
                    foreach (var cache in caches) cache.Reorder(rows, encoderToo: true);
                }

                last.MoveToOuterDisposeScope();
            }
        }
        finally
        {
            foreach (var cache in caches) cache.Dispose();
        }

        return [.. answers.Select(a => a.ToArray())];
    }

    /// <summary>Searches with beams as the reference implementation does: length penalty 1, going on until no open beam can win.</summary>
    /// <param name="inputs">The batch to answer.</param>
    /// <param name="beams">Sequences kept for each input.</param>
    /// <param name="maxNewTokens">Most tokens to decode, end token included.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>For each input its best tokens, without the start token, with the end token where it came.</returns>
    /// <exception cref="InferenceException">A logit is not a number, or the largest one is infinite.</exception>
    public IReadOnlyList<int[]> Beam(PaddedBatch inputs, int beams, int maxNewTokens, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(beams, 1);
        using var inference = new InferenceScope(model);
        var batch = (int)inputs.Ids.shape[0];
        var search = Enumerable.Range(0, batch).Select(_ => new StudentBeams(beams, model.Config)).ToArray();

        // Every beam has its own row; those of an input share its encoder states.
        var encoded = model.Encode(inputs.Ids, inputs.Mask).repeat_interleave(beams, 0);
        var crossBias = T5Model.MaskBias(inputs.Mask).repeat_interleave(beams, 0);
        var caches = model.CrossCaches(encoded, grows: true);
        try
        {
            for (var position = 0; position < maxNewTokens && !search.All(s => s.IsDone); position++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                var last = tensor(search.SelectMany(s => s.LastTokens).ToArray(), [batch * beams, 1], device: model.Device);
                var logits = model.Logits(model.DecodeStep(last, position, caches, crossBias));
                RequireNumbers(logits.amax(-1));
                var sums = tensor(search.SelectMany(s => s.Scores).ToArray(), [batch * beams, 1], device: model.Device);
                var scores = nn.functional.log_softmax(logits, -1).Plus(sums);                                   // (B·beams, V)
                var count = Math.Min((1 + model.Config.EndTokenCount) * beams, beams * model.Config.VocabSize);
                var (values, indices) = scores.view(batch, -1).topk(count, dim: 1);
                var best = values.cpu().data<float>().ToArray();
                var which = indices.cpu().data<long>().ToArray();
                var candidates = best.Length / batch;
                var rows = new List<long>();
                for (var b = 0; b < batch; b++)
                {
                    search[b].Advance(best.AsSpan(b * candidates, candidates), which.AsSpan(b * candidates, candidates));
                    rows.AddRange(search[b].Origins.Select(o => (long)(b * beams + o)));
                }

                var order = tensor(rows.ToArray(), device: model.Device);
                foreach (var cache in caches) cache.Reorder(order, encoderToo: false);
            }
        }
        finally
        {
            foreach (var cache in caches) cache.Dispose();
        }

        return [.. search.Select(s => s.Best())];
    }

    private static void RequireNumbers(Tensor largest)
    {
        if (!largest.isfinite().all().item<bool>()) throw new InferenceException(NoNumbers);
    }
}
