using System.Runtime.InteropServices;
using DistillOnnx.Checkpoints;

namespace DistillOnnx.Core.Tests.Checkpoints;

public class FloatConversionTests
{
    [Fact]
    public void ToSingle_EveryHalf_IsExact()
    {
        var found = Convert(TensorType.Float16);
        for (var i = 0; i < found.Length; i++)
        {
            var expected = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            if (float.IsNaN(expected)) Assert.True(float.IsNaN(found[i]));
            else Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(found[i]));
        }
    }

    [Fact]
    public void ToSingle_EveryBFloat16_IsItsUpperHalf()
    {
        var found = Convert(TensorType.BFloat16);
        for (var i = 0; i < found.Length; i++) Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(found[i]));
    }

    [Theory]
    [InlineData(TensorType.Float16)]
    [InlineData(TensorType.BFloat16)]
    public void FromSingle_EveryValueOfTheType_ComesBack(TensorType type)
    {
        var values = Convert(type);
        var back = new ushort[values.Length];
        FloatConversion.FromSingle(type, values, MemoryMarshal.AsBytes(back.AsSpan()));
        for (var i = 0; i < back.Length; i++)
        {
            if (!float.IsNaN(values[i])) Assert.Equal(i, back[i]);
        }
    }

    [Theory]
    [InlineData(1.00390625f, 0x3F80)] // half way between two: the even one
    [InlineData(1.01171875f, 0x3F82)]
    [InlineData(1.0039064f, 0x3F81)]
    [InlineData(float.PositiveInfinity, 0x7F80)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(-0f, 0x8000)]
    public void FromSingle_BFloat16_RoundsToNearestEven(float value, int expected)
    {
        Span<byte> bytes = stackalloc byte[2];
        FloatConversion.FromSingle(TensorType.BFloat16, [value], bytes);
        Assert.Equal(expected, MemoryMarshal.Read<ushort>(bytes));
    }

    [Fact]
    public void FromSingle_NaNWithALowPayload_StaysNaN()
    {
        Span<byte> bytes = stackalloc byte[2];
        FloatConversion.FromSingle(TensorType.BFloat16, [BitConverter.UInt32BitsToSingle(0x7F800001)], bytes);
        Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Read<ushort>(bytes) << 16)));
    }

    // 65,537 of them, so that the last is not part of a vector.
    private static float[] Convert(TensorType type)
    {
        var words = Enumerable.Range(0, 65_537).Select(i => (ushort)i).ToArray();
        var floats = new float[words.Length];
        FloatConversion.ToSingle(type, MemoryMarshal.AsBytes<ushort>(words), floats);
        return floats[..65_536];
    }
}
