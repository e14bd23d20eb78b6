using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistillOnnx.Core.Kernels;

/// <summary>
/// eˣ of 16 values, to within 2 units in the last place: the runtime's own computes in double precision, which softmax does not need and
/// which takes three times as long.
/// </summary>
internal static class Exponential
{
    /// <summary>Below it the result is 0, where a float would be subnormal.</summary>
    private const float Least = -87.33654f;

    /// <summary>Above it the result is that of it, just below the largest float.</summary>
    private const float Most = 88.3762626f;

    private const float Log2E = 1.44269504f;

    /// <summary>ln 2 in two parts, of which the first has so few bits that its product with a power's exponent is exact.</summary>
    private const float Log2High = 0.693359375f, Log2Low = -2.12194440e-4f;

    /// <summary>eˣ; what is not a number stays so.</summary>
    /// <param name="x">16 values.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x)
    {
        // x = n·ln 2 + r with |r| ≤ ln 2 / 2. With this order of operands the limit is not taken for what is not a number.
        x = Vector512.MinNative(Vector512.Create(Most), x);
        var shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(Log2E), Vector512.Create(Lanes.Rounding));
        var n = shifted - Vector512.Create(Lanes.Rounding);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Log2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Log2Low), r);

        // A polynomial for eʳ (its coefficients are those of Cephes), then 2ⁿ by the exponent's bits.
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        var power = p * ((shifted.AsInt32() << 23) + Vector512<float>.One.AsInt32()).AsSingle();
        return Vector512.AndNot(power, Vector512.LessThan(x, Vector512.Create(Least)));
    }

    /// <summary>Values become eˣ⁻ᵐ.</summary>
    /// <param name="values">The values x, replaced.</param>
    /// <param name="most">m, for a softmax the largest of them.</param>
    /// <param name="count">How many, a multiple of 16.</param>
    /// <returns>Their sum.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe float Replace(float* values, float most, int count)
    {
        var shift = Vector512.Create(most);
        var sums = Vector512<float>.Zero;
        for (var i = 0; i < count; i += 16)
        {
            var e = Of(Vector512.Load(values + i) - shift);
            e.Store(values + i);
            sums += e;
        }

        return Vector512.Sum(sums);
    }
}
