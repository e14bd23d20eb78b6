using System.Runtime.Intrinsics;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Training.Tests.Engines;

/// <summary>The kernels' exponential function.</summary>
public sealed class ExponentialTests
{
    [Fact]
    public void Of_WholeRange_IsWithinTwoUnitsInTheLastPlace()
    {
        var worst = 0.0;
        for (var x = -87.3f; x < 88.37f; x += 0.000731f)
        {
            var (actual, expected) = (Exponential.Of(Vector512.Create(x))[3], (float)Math.Exp(x));
            worst = Math.Max(worst, Math.Abs((double)actual - Math.Exp(x)) / (MathF.BitIncrement(expected) - expected));
        }

        Assert.InRange(worst, 0.1, 2);
    }

    [Theory]
    [InlineData(float.NegativeInfinity, 0)]
    [InlineData(-1e30f, 0)]
    [InlineData(-87.4f, 0)]
    [InlineData(0, 1)]
    [InlineData(float.NaN, float.NaN)]
    public void Of_SpecialValue_IsTheirs(float x, float expected) => Assert.Equal(expected, Exponential.Of(Vector512.Create(x))[0]);

    [Fact]
    public void Of_AnyPatternThatIsNotANumber_IsNone()
    {
        foreach (var bits in (uint[])[0xFFFFFFFF, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFC00000])
            Assert.True(float.IsNaN(Exponential.Of(Vector512.Create(BitConverter.UInt32BitsToSingle(bits)))[5]), $"{bits:x8}");
    }

    [Theory]
    [InlineData(89)]
    [InlineData(1e30f)]
    [InlineData(float.PositiveInfinity)]
    public void Of_TooLargeForAFloat_IsNearTheLargest(float x) =>
        Assert.InRange(Exponential.Of(Vector512.Create(x))[7], 2.3e38f, float.MaxValue);
}
