using System.Numerics;
using System.Runtime.InteropServices;

namespace DistillOnnx.Checkpoints;

/// <summary>Conversions between single precision and the 16-bit formats; to single precision they are exact.</summary>
internal static class FloatConversion
{
    /// <summary>Converts stored elements to single precision.</summary>
    public static void ToSingle(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.Float32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorType.Float16:
                HalfToSingle(MemoryMarshal.Cast<byte, ushort>(source), destination);
                break;
            case TensorType.BFloat16:
                BFloat16ToSingle(MemoryMarshal.Cast<byte, ushort>(source), destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>Converts single precision to stored elements, to the nearest and on a tie to the even one.</summary>
    public static void FromSingle(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        switch (type)
        {
            case TensorType.Float32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case TensorType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(destination);
                for (var i = 0; i < source.Length; i++) halves[i] = (Half)source[i];
                break;
            case TensorType.BFloat16:
                var words = MemoryMarshal.Cast<byte, ushort>(destination);
                for (var i = 0; i < source.Length; i++) words[i] = ToBFloat16(source[i]);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        // Rounding could carry a NaN's payload away and leave infinity.
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void BFloat16ToSingle(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var bits = MemoryMarshal.Cast<float, uint>(destination)[..source.Length];
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            (low << 16).CopyTo(bits[i..]);
            (high << 16).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++) bits[i] = (uint)source[i] << 16;
    }

    private static void HalfToSingle(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var bits = MemoryMarshal.Cast<float, uint>(destination)[..source.Length];
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            HalfToSingle(low).CopyTo(bits[i..]);
            HalfToSingle(high).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++) bits[i] = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf(source[i]));
    }

    // Exponent and mantissa are put where a single has them; the product with 2^112 moves the bias from 15 to 127 and
    // normalises what was subnormal. Infinities and NaNs then only lack the upper exponent bits.
    private static Vector<uint> HalfToSingle(Vector<uint> half)
    {
        var scaled = Vector.AsVectorUInt32(
            Vector.AsVectorSingle((half & new Vector<uint>(0x7FFF)) << 13) * new Vector<float>(5.192296858534828e33f));
        var special = Vector.Equals(half & new Vector<uint>(0x7C00), new Vector<uint>(0x7C00)) & new Vector<uint>(0x7F800000);
        return scaled | special | ((half & new Vector<uint>(0x8000)) << 16);
    }
}
