using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>A head's attention in single precision.</summary>
internal static unsafe class SingleAttention
{
    /// <summary>Attends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(in AttentionHead head)
    {
        var (width, size, keys, stride, most) = (head.Width, head.Size, head.Count, head.Stride, head.QueriesAtOnce);
        var transposed = KernelThreads.Scratch((long)size * stride + stride + (long)most * stride + most);
        float* scales = transposed + (long)size * stride, scores = scales + stride, shares = scores + (long)most * stride;
        head.CopyScales(scales);
        SmallProduct.Transpose(head.Keys, width, transposed, stride, keys, size);
        for (var first = 0; first < keys; first += most)
        {
            var count = Math.Min(most, keys - first);
            var at = (long)first * width;
            SmallProduct.Multiply(head.Queries + at, width, 1, transposed, stride, scores, stride, count, stride, size);
            for (var i = 0; i < count; i++)
            {
                head.FetchNext(first + i);
                var scale = head.Scales == null ? 1 : head.Scales[first + i];
                shares[i] = head.Complete(scores + (long)i * stride, first + i, scales, scale);
            }

            for (var i = 0; i < count; i++) shares[i] = Exponentials(scores + (long)i * stride, scales, shares[i], stride);
            SmallProduct.Multiply(scores, stride, 1, head.Values, width, head.Output + at, width, count, size, keys);
            for (var i = 0; i < count; i++) Multiply(head.Output + at + (long)i * width, shares[i], size);
        }
    }

    /// <summary>Scores become probabilities, each times the scale that its value lacks, up to a factor, which is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* line, float* scales, float top, int stride)
    {
        var shift = Vector512.Create(top);
        var sums = Vector512<float>.Zero;
        for (var j = 0; j < stride; j += 16)
        {
            var e = Exponential.Of(Vector512.Load(line + j) - shift);
            (e * Vector512.Load(scales + j)).Store(line + j);
            sums += e;
        }

        return 1 / Vector512.Sum(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(float* values, float factor, int count)
    {
        var i = 0;
        for (; i + 16 <= count; i += 16) (Vector512.Load(values + i) * factor).Store(values + i);
        for (; i < count; i++) values[i] *= factor;
    }
}
