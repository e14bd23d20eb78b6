using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// Rows of single precision in eight bits, each with a scale of its own: what the graphs' QuantizeLinear makes of them, bit by bit, in two
/// passes over a row that lies in the cache.
/// </summary>
internal static unsafe class RowQuantization
{
    /// <summary>What stands for 0 where numbers have signs.</summary>
    private const byte Middle = 128;

    /// <summary>Below this a row counts as zero: dividing by it must not overflow.</summary>
    private const float Least = 1e-30f;

    /// <summary>Quantises a row.</summary>
    /// <param name="x">The row.</param>
    /// <param name="bytes">Receives round(x / scale) + 128, or, where rectified, round(max(x, 0) / scale).</param>
    /// <param name="length">Its elements.</param>
    /// <param name="rectify">Whether negative numbers become 0.</param>
    /// <returns>The scale: the largest |x| over 127, or the largest x over 255.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Row(float* x, byte* bytes, int length, bool rectify)
    {
        var scale = Math.Max(rectify ? Largest(x, length) : LargestMagnitude(x, length), Least)
            * (1f / (rectify ? byte.MaxValue : sbyte.MaxValue));
        var (divisor, rounding) = (Vector512.Create(scale), Vector512.Create(Lanes.Rounding));
        var zero = rectify ? Vector512<float>.Zero : Vector512.Create(float.NegativeInfinity);
        var offset = Vector512.Create(rectify ? 0u : Middle);
        var i = 0;
        for (; i + 64 <= length; i += 64)
        {
            var a = Vector512.Narrow(Sixteen(x + i), Sixteen(x + i + 16));
            var b = Vector512.Narrow(Sixteen(x + i + 32), Sixteen(x + i + 48));
            Vector512.Narrow(a, b).Store(bytes + i);
        }

        for (; i < length; i++)
        {
            var value = rectify ? Math.Max(x[i], 0) : x[i];
            bytes[i] = (byte)(BitConverter.SingleToUInt32Bits(value / scale + Lanes.Rounding) + (rectify ? 0u : Middle));
        }

        return scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector512<uint> Sixteen(float* from)
        {
            var value = Vector512.MaxNative(Vector512.Load(from), zero);
            return ((value / divisor + rounding).AsUInt32() + offset) & Vector512.Create(255u);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float LargestMagnitude(float* x, int length)
    {
        Vector512<float> a = default, b = default;
        var i = 0;
        for (; i + 32 <= length; i += 32)
        {
            a = Vector512.Max(a, Vector512.Abs(Vector512.Load(x + i)));
            b = Vector512.Max(b, Vector512.Abs(Vector512.Load(x + i + 16)));
        }

        var most = Largest(Vector512.Max(a, b));
        for (; i < length; i++) most = Math.Max(most, Math.Abs(x[i]));
        return most;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest(float* x, int length)
    {
        Vector512<float> a = default, b = default;
        var i = 0;
        for (; i + 32 <= length; i += 32)
        {
            a = Vector512.Max(a, Vector512.Load(x + i));
            b = Vector512.Max(b, Vector512.Load(x + i + 16));
        }

        var most = Largest(Vector512.Max(a, b));
        for (; i < length; i++) most = Math.Max(most, x[i]);
        return most;
    }

    /// <summary>The largest of 16 values; what is not a number stays, and so becomes the row's scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> values) =>
        Vector512.EqualsAll(values, values) ? Lanes.Largest(values) : float.NaN;
}
