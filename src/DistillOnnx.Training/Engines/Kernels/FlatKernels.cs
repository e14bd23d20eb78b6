using System.Runtime.Intrinsics;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Passes over all parameters at once. They are bound by memory, so each value is read and written once.</summary>
internal static unsafe class FlatKernels
{
    private const int Chunk = 1 << 16;

    /// <summary>Σ x², summed chunk by chunk in double precision so that the result does not depend on the threads.</summary>
    public static double SumOfSquares(float* x, long count)
    {
        var sums = new double[(count + Chunk - 1) / Chunk];
        Workers.Range(count, (from, to) =>
        {
            for (var start = from; start < to; start += Chunk)
            {
                var end = Math.Min(to, start + Chunk);
                var a = Vector512<float>.Zero;
                var b = Vector512<float>.Zero;
                var i = start;
                for (; i + 32 <= end; i += 32)
                {
                    var u = Vector512.Load(x + i);
                    var v = Vector512.Load(x + i + 16);
                    a = Vector512.FusedMultiplyAdd(u, u, a);
                    b = Vector512.FusedMultiplyAdd(v, v, b);
                }

                double sum = Vector512.Sum(a + b);
                for (; i < end; i++) sum += x[i] * x[i];
                sums[start / Chunk] = sum;
            }
        }, Chunk);
        var total = 0.0;
        foreach (var sum in sums) total += sum;
        return total;
    }

    /// <summary>One AdamW update: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w·decay − rate·m / (√v·rootScale + ε).</summary>
    public static void AdamW(
        float* weights, float* gradients, float* mean, float* square, long count, float gradientScale,
        float beta1, float beta2, float rootScale, float epsilon, float rate, float decay)
    {
        Workers.Range(count, (from, to) =>
        {
            var scale = Vector512.Create(gradientScale);
            var b1 = Vector512.Create(1 - beta1);
            var b2 = Vector512.Create(beta2);
            var c2 = Vector512.Create(1 - beta2);
            var root = Vector512.Create(rootScale);
            var eps = Vector512.Create(epsilon);
            var step = Vector512.Create(rate);
            var keep = Vector512.Create(decay);
            var i = from;
            for (; i + 16 <= to; i += 16)
            {
                var g = Vector512.Load(gradients + i) * scale;
                var m = Vector512.Load(mean + i);
                m = Vector512.FusedMultiplyAdd(g - m, b1, m);
                var v = Vector512.FusedMultiplyAdd(Vector512.Load(square + i), b2, g * g * c2);
                m.Store(mean + i);
                v.Store(square + i);
                var change = m * step / Vector512.FusedMultiplyAdd(Vector512.Sqrt(v), root, eps);
                (Vector512.FusedMultiplyAdd(Vector512.Load(weights + i), keep, -change)).Store(weights + i);
            }

            for (; i < to; i++)
            {
                var g = gradients[i] * gradientScale;
                mean[i] += (g - mean[i]) * (1 - beta1);
                square[i] = square[i] * beta2 + g * g * (1 - beta2);
                weights[i] = weights[i] * decay - rate * mean[i] / (MathF.Sqrt(square[i]) * rootScale + epsilon);
            }
        }, Chunk);
    }
}
