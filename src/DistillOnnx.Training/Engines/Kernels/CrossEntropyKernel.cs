using System.Runtime.Intrinsics;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Softmax cross-entropy over the vocabulary, or over some of its tokens.</summary>
internal static unsafe class CrossEntropyKernel
{
    private const int MostOnStack = 256;

    /// <summary>Computes losses, and turns logits into their gradient where they stand.</summary>
    /// <param name="logits">[rows, width].</param>
    /// <param name="targets">Each row's target, from <paramref name="first"/> on.</param>
    /// <param name="first">Position of the first row's target.</param>
    /// <param name="allowed">The tokens among which the softmax runs, or null for all, from <paramref name="first"/> on; null: all in each
    /// row.</param>
    /// <param name="weights">Each row's weight in the loss, or null: no gradient is wanted.</param>
    /// <param name="losses">Receives each row's loss in nats, unweighted, from <paramref name="first"/> on.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Vocabulary.</param>
    public static void Run(
        float* logits, int[] targets, int first, int[]?[]? allowed, float[]? weights, float[] losses, int rows, int width) =>
        Workers.Range(rows, (from, to) =>
    {
        for (var row = from; row < to; row++)
        {
            var x = logits + row * width;
            var target = targets[first + row];
            if (allowed?[first + row] is { } some)
            {
                losses[first + row] = Among(some, x, target, weights is null ? null : weights[first + row], width);
                continue;
            }

            var top = System.Numerics.Tensors.TensorPrimitives.Max(new ReadOnlySpan<float>(x, width));
            var chosen = x[target];
            var shift = Vector512.Create(top);
            var sums = Vector512<float>.Zero;
            var i = 0;
            if (weights is null)
            {
                for (; i + 16 <= width; i += 16) sums += Exponential.Of(Vector512.Load(x + i) - shift);
                var total = Vector512.Sum(sums);
                for (; i < width; i++) total += MathF.Exp(x[i] - top);
                losses[first + row] = top + MathF.Log(total) - chosen;
                continue;
            }

            for (; i + 16 <= width; i += 16)
            {
                var e = Exponential.Of(Vector512.Load(x + i) - shift);
                e.Store(x + i);
                sums += e;
            }

            var sum = Vector512.Sum(sums);
            for (; i < width; i++) sum += x[i] = MathF.Exp(x[i] - top);
            losses[first + row] = top + MathF.Log(sum) - chosen;
            var weight = weights[first + row];
            System.Numerics.Tensors.TensorPrimitives.Multiply(new ReadOnlySpan<float>(x, width), weight / sum, new Span<float>(x, width));
            x[target] -= weight;
        }
    });

    /// <summary>The loss among a few tokens; with a weight, the row becomes its gradient, which is zero for all others.</summary>
    private static float Among(int[] tokens, float* x, int target, float? weight, int width)
    {
        var chosen = x[target];
        var top = float.NegativeInfinity;
        foreach (var token in tokens) top = Math.Max(top, x[token]);
        var shares = tokens.Length <= MostOnStack ? stackalloc float[tokens.Length] : new float[tokens.Length];
        var sum = 0f;
        for (var i = 0; i < tokens.Length; i++) sum += shares[i] = MathF.Exp(x[tokens[i]] - top);
        if (weight is { } w)
        {
            new Span<float>(x, width).Clear();
            for (var i = 0; i < tokens.Length; i++) x[tokens[i]] = w * shares[i] / sum;
            x[target] -= w;
        }

        return top + MathF.Log(sum) - chosen;
    }
}
