using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistillOnnx.Core.Kernels;

/// <summary>What vector kernels share: reductions over the values of one vector, and how to round.</summary>
internal static class Lanes
{
    /// <summary>1.5·2²³: added to a small number, it leaves the nearest integer, halves to even, in the sum's lowest bits.</summary>
    public const float Rounding = 12582912;

    /// <summary>The largest of 16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector512<float> values)
    {
        var eight = Vector256.MaxNative(values.GetLower(), values.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        var two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }
}
