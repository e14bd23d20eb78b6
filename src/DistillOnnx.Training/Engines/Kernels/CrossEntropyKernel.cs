using System.Runtime.Intrinsics;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Softmax cross-entropy over the vocabulary.</summary>
internal static unsafe class CrossEntropyKernel
{
    /// <summary>Computes losses, and turns logits into their gradient where they stand.</summary>
    /// <param name="logits">[rows, width].</param>
    /// <param name="targets">Each row's target, from <paramref name="first"/> on.</param>
    /// <param name="first">Position of the first row's target.</param>
    /// <param name="weights">Each row's weight in the loss, or null: no gradient is wanted.</param>
    /// <param name="losses">Receives each row's loss in nats, unweighted, from <paramref name="first"/> on.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Vocabulary.</param>
    public static void Run(float* logits, int[] targets, int first, float[]? weights, float[] losses, int rows, int width) =>
        Workers.Range(rows, (from, to) =>
    {
        for (var row = from; row < to; row++)
        {
            var x = logits + row * width;
            var target = targets[first + row];
            var top = System.Numerics.Tensors.TensorPrimitives.Max(new ReadOnlySpan<float>(x, width));
            var chosen = x[target];
            var shift = Vector512.Create(top);
            var sums = Vector512<float>.Zero;
            var i = 0;
            if (weights is null)
            {
                for (; i + 16 <= width; i += 16) sums += Vector512.Exp(Vector512.Load(x + i) - shift);
                var total = Vector512.Sum(sums);
                for (; i < width; i++) total += MathF.Exp(x[i] - top);
                losses[first + row] = top + MathF.Log(total) - chosen;
                continue;
            }

            for (; i + 16 <= width; i += 16)
            {
                var e = Vector512.Exp(Vector512.Load(x + i) - shift);
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
}
