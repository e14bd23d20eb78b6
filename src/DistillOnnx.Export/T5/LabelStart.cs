using System.Numerics.Tensors;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// What a label model's decoder computes before its first cross-attention, and so can be computed at export: embedding
/// and self-attention of the first block, and the norm after it.
/// </summary>
/// <param name="Residual">The residual stream after the first self-attention, [P, d_model].</param>
/// <param name="Normed">The first cross-attention's input, [P, d_model].</param>
internal sealed record LabelStart(float[] Residual, float[] Normed)
{
    /// <summary>P.</summary>
    public required int Count { get; init; }

    /// <summary>Works it out.</summary>
    public static LabelStart Compute(T5Weights weights, LabelPlan plan, float[] treeBias)
    {
        var config = weights.Config;
        var (count, model, inner) = (plan.Tokens.Count, config.DModel, config.InnerDim);
        float[] Self(string name) => weights.Projection(T5TensorNames.SelfAttention(true, 0, name)).Read();

        var residual = weights.EmbeddingRows(plan.Tokens);
        var normed = Norm(residual, weights, T5TensorNames.Norm(true, 0, 0));
        var mixed = Matrices.Multiply(normed, Self("v"), count, model, inner);
        if (count > 1)
        {
            var q = Matrices.Multiply(normed, Self("q"), count, model, inner);
            var k = Matrices.Multiply(normed, Self("k"), count, model, inner);
            mixed = Attend(q, k, mixed, treeBias, count, config.NumHeads, config.DKv);
        }

        TensorPrimitives.Add(residual, Matrices.Multiply(mixed, Self("o"), count, inner, model), residual);
        return new LabelStart(residual, Norm(residual, weights, T5TensorNames.Norm(true, 0, 1))) { Count = count };
    }

    /// <summary>The same for some of the positions.</summary>
    public LabelStart At(IReadOnlyList<int> positions, T5Config config)
    {
        float[] Rows(float[] values) => [.. positions.SelectMany(p => values[(p * config.DModel)..((p + 1) * config.DModel)])];
        return new LabelStart(Rows(Residual), Rows(Normed)) { Count = positions.Count };
    }

    /// <summary>The first cross-attention's query in terms of encoder states, [H·P, d_model].</summary>
    public float[] FoldedQuery(T5Weights weights)
    {
        var config = weights.Config;
        var (model, inner, width) = (config.DModel, config.InnerDim, config.DKv);
        var query = Matrices.Multiply(Normed, weights.Projection(T5TensorNames.CrossAttention(0, "q")).Read(), Count, model, inner);
        var key = weights.Stored(T5TensorNames.CrossAttention(0, "k")).Read();
        var folded = new float[config.NumHeads * Count * model];
        for (var head = 0; head < config.NumHeads; head++)
        {
            var ofHead = new float[Count * width];
            for (var p = 0; p < Count; p++) query.AsSpan((p * inner) + (head * width), width).CopyTo(ofHead.AsSpan(p * width));
            var ofKey = key[(head * width * model)..((head + 1) * width * model)];
            Matrices.Multiply(ofHead, ofKey, Count, width, model).CopyTo(folded, head * Count * model);
        }

        return folded;
    }

    private static float[] Norm(float[] x, T5Weights weights, string name)
    {
        var scale = weights.Stored(name).Read();
        var result = new float[x.Length];
        for (var row = 0; row < x.Length; row += scale.Length)
        {
            var values = x.AsSpan(row, scale.Length);
            var meanSquare = values.ToArray().Sum(v => (double)v * v) / scale.Length;
            var factor = (float)(1 / Math.Sqrt(meanSquare + weights.Config.LayerNormEpsilon));
            for (var i = 0; i < scale.Length; i++) result[row + i] = values[i] * factor * scale[i];
        }

        return result;
    }

    private static float[] Attend(float[] q, float[] k, float[] v, float[] bias, int count, int heads, int width)
    {
        var inner = heads * width;
        var result = new float[count * inner];
        var scores = new float[count];
        for (var head = 0; head < heads; head++)
        {
            for (var query = 0; query < count; query++)
            {
                for (var key = 0; key < count; key++)
                {
                    scores[key] = bias[(((head * count) + query) * count) + key] + TensorPrimitives.Dot<float>(
                        q.AsSpan((query * inner) + (head * width), width), k.AsSpan((key * inner) + (head * width), width));
                }

                TensorPrimitives.SoftMax(scores, scores);
                var target = result.AsSpan((query * inner) + (head * width), width);
                for (var key = 0; key < count; key++)
                    TensorPrimitives.MultiplyAdd(v.AsSpan((key * inner) + (head * width), width), scores[key], target, target);
            }
        }

        return result;
    }
}
