using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// A head's attention by products of integers of 16 bits, for graphs whose other products have 8. Every query, every key and every
/// column of the values has a scale of its own, as have the probabilities of each query; what they lose by it is little beside what they
/// have lost before.
/// </summary>
internal static unsafe class PairAttention
{
    /// <summary>
    /// The length, as a vector, of a query or key in integers: no sum of products of two of them is more than its square (Cauchy and
    /// Schwarz), which is to stay below 2³¹. The square root of that is 46,340; the difference is for what rounding adds.
    /// </summary>
    private const float VectorLength = 46200;

    /// <summary>What a query's probabilities are together in integers: this times the largest value stays below 2³¹.</summary>
    private const float ProbabilitySum = ushort.MaxValue;

    /// <summary>Elements and keys up to which rounding cannot add more than there is room for.</summary>
    private const int MostElements = 1024, MostKeys = 8192;

    /// <summary>Keys below which making integers takes as long as they save.</summary>
    private const int LeastKeys = 96;

    /// <summary>Below it a number counts as zero: dividing by it, or by its square, must not overflow.</summary>
    private const float Least = 1e-18f;

    /// <summary>Whether a head's shape is one of those that it computes, and sooner than <see cref="SingleAttention"/>.</summary>
    public static bool Supports(in AttentionHead head) =>
        PairProduct.IsSupported && head.Count is >= LeastKeys and <= MostKeys
        && head.Size <= MostElements && head.Size % (2 * PairProduct.Columns) == 0;

    /// <summary>Attends.</summary>
    /// <param name="head">A head with scales.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(in AttentionHead head)
    {
        var (width, size, keys, stride, most) = (head.Width, head.Size, head.Count, head.Stride, head.QueriesAtOnce);
        var (elementPairs, keyPairs) = (size / 2, (keys + 1) / 2);
        var scales = KernelThreads.Scratch(
            stride + size + (2L * most) + ((long)size * stride) + ((long)elementPairs * (stride + most)) + ((long)keyPairs * size)
            + ((long)most * stride));
        float* columns = scales + stride, factors = columns + size, shares = factors + most, transposed = shares + most;
        int* k = (int*)(transposed + (long)size * stride), q = k + (long)elementPairs * stride, v = q + (long)elementPairs * most;
        var scores = (float*)(v + (long)keyPairs * size);

        head.CopyScales(scales);
        ConvertValues(head.Values, width, scales, columns, v, keys, size);
        SmallProduct.Transpose(head.Keys, width, transposed, stride, keys, size);
        ConvertKeys(transposed, scales, k, stride, size);
        for (var first = 0; first < keys; first += most)
        {
            var count = Math.Min(most, keys - first);
            var at = (long)first * width;
            for (var i = 0; i < count; i++)
            {
                head.FetchNext(first + i);
                factors[i] = head.Scales[first + i] * ConvertQuery(head.Queries + at + (long)i * width, q + (long)i * elementPairs, size);
            }

            PairProduct.Multiply(q, elementPairs, k, stride, (int*)scores, stride, count, stride, elementPairs);
            for (var i = 0; i < count; i++)
            {
                var line = scores + (long)i * stride;
                ToSingle(line, stride);
                factors[i] = head.Complete(line, first + i, scales, factors[i]);
            }

            for (var i = 0; i < count; i++) shares[i] = ConvertProbabilities(scores + (long)i * stride, factors[i], keys, stride);
            PairProduct.Multiply((int*)scores, stride, v, size, (int*)(head.Output + at), width, count, size, keyPairs);
            for (var i = 0; i < count; i++)
            {
                var line = head.Output + at + (long)i * width;
                ToSingle(line, size);
                for (var j = 0; j < size; j += 16)
                    (Vector512.Load(line + j) * Vector512.Load(columns + j) * shares[i]).Store(line + j);
            }
        }
    }

    /// <summary>A query in integers.</summary>
    /// <returns>What these lack as a factor; not finite where the query is not.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ConvertQuery(float* x, int* pairs, int size)
    {
        Vector512<float> squares = default, largest = default;
        for (var i = 0; i < size; i += 16)
        {
            var value = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(value, value, squares);
            largest = Vector512.MaxNative(largest, Vector512.Abs(value));
        }

        var scale = Math.Max(
            Math.Max(MathF.Sqrt(Vector512.Sum(squares)), Least) * (1 / VectorLength), Lanes.Largest(largest) * (1f / short.MaxValue));
        var factor = Vector512.Create(1 / scale);
        for (var i = 0; i < size; i += 32)
        {
            Round(Vector512.Load(x + i) * factor, Vector512.Load(x + i + 16) * factor).Store(pairs + i / 2);
        }

        return scale;
    }

    /// <summary>Keys in integers; what they lack as a factor is put into their scales.</summary>
    /// <param name="x">[size, stride].</param>
    /// <param name="scales">[stride].</param>
    /// <param name="pairs">Receives [size / 2, stride].</param>
    /// <param name="stride">Keys.</param>
    /// <param name="size">Elements of a key.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ConvertKeys(float* x, float* scales, int* pairs, int stride, int size)
    {
        for (var j = 0; j < stride; j += 16)
        {
            Vector512<float> squares = default, largest = default;
            for (var i = 0; i < size; i++)
            {
                var value = Vector512.Load(x + (long)i * stride + j);
                squares = Vector512.FusedMultiplyAdd(value, value, squares);
                largest = Vector512.MaxNative(largest, Vector512.Abs(value));
            }

            var length = Vector512.Max(Vector512.Sqrt(squares), Vector512.Create(Least));
            var scale = Vector512.Max(length * (1 / VectorLength), largest * (1f / short.MaxValue));
            (Vector512.Load(scales + j) * scale).Store(scales + j);
            var factor = Vector512<float>.One / scale;
            for (var i = 0; i < size; i += 2)
            {
                var line = x + (long)i * stride + j;
                Pair(Vector512.Load(line) * factor, Vector512.Load(line + stride) * factor).Store(pairs + (long)i / 2 * stride + j);
            }
        }
    }

    /// <summary>Values in integers, two tokens side by side.</summary>
    /// <param name="x">[keys, size], rows <paramref name="width"/> apart.</param>
    /// <param name="width">Distance between rows.</param>
    /// <param name="scales">What each token lacks as a factor.</param>
    /// <param name="columns">Receives what each column then lacks, [size].</param>
    /// <param name="pairs">Receives [(keys + 1) / 2, size].</param>
    /// <param name="keys">Tokens.</param>
    /// <param name="size">Elements of a value.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ConvertValues(float* x, int width, float* scales, float* columns, int* pairs, int keys, int size)
    {
        for (var i = 0; i < size; i += 16)
        {
            Vector512<float> largest = default;
            for (var j = 0; j < keys; j++)
                largest = Vector512.Max(largest, Vector512.Abs(Vector512.Load(x + (long)j * width + i) * scales[j]));
            var scale = Vector512.Max(largest, Vector512.Create(Least)) * (1f / short.MaxValue);
            scale.Store(columns + i);
            var factor = Vector512<float>.One / scale;
            for (var j = 0; j < keys; j += 2)
            {
                var line = x + (long)j * width + i;
                var second = j + 1 < keys ? Vector512.Load(line + width) * scales[j + 1] * factor : default;
                Pair(Vector512.Load(line) * scales[j] * factor, second).Store(pairs + (long)j / 2 * size + i);
            }
        }
    }

    /// <summary>A query's scores become probabilities, up to a factor, in integers that lie in the first half of their place.</summary>
    /// <returns>The factor; what is not a number stays so.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ConvertProbabilities(float* line, float top, int keys, int stride)
    {
        var sum = Exponential.Replace(line, top, stride);
        var scale = Math.Min(short.MaxValue, (ProbabilitySum - keys) / sum);
        var factor = Vector512.Create(scale);
        var pairs = (int*)line;
        var i = 0;
        for (; i + 32 <= stride; i += 32)
        {
            Round(Vector512.Load(line + i) * factor, Vector512.Load(line + i + 16) * factor).Store(pairs + i / 2);
        }

        if (i < stride)
        {
            Round(Vector512.Load(line + i) * factor, default).GetLower().Store(pairs + i / 2);
        }

        return 1 / (scale * sum);
    }

    /// <summary>Two vectors' elements, rounded, one after another: neighbours become pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Round(Vector512<float> first, Vector512<float> second)
    {
        var rounding = Vector512.Create(Lanes.Rounding);
        Vector512<int> a = (first + rounding).AsInt32(), b = (second + rounding).AsInt32();
        if (Avx512BW.IsSupported) return Vector512.Narrow(a, b).AsInt32();
        return Vector512.Create(Pack(a - rounding.AsInt32()), Pack(b - rounding.AsInt32()));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> Pack(Vector512<int> x) =>
            Avx2.Permute4x64(Avx2.PackSignedSaturate(x.GetLower(), x.GetUpper()).AsInt64(), 0b11_01_10_00).AsInt32();
    }

    /// <summary>Elements of two vectors, rounded, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Pair(Vector512<float> low, Vector512<float> high)
    {
        var rounding = Vector512.Create(Lanes.Rounding);
        return ((low + rounding).AsInt32() & Vector512.Create((int)ushort.MaxValue)) | ((high + rounding).AsInt32() << 16);
    }

    /// <summary>Integers become single precision where they lie.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToSingle(float* line, int count)
    {
        for (var j = 0; j < count; j += 16) Vector512.ConvertToSingle(Vector512.Load((int*)line + j)).Store(line + j);
    }
}
