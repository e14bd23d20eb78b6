using System.Numerics;
using CsCheck;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Core.Tests.Metrics;

public sealed class SignificanceTests
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(3, 3, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(0, 5, 0.0625)]
    [InlineData(8, 2, 0.109375)]
    [InlineData(1, 9, 0.021484375)]
    public void ExactP_OfKnownSplits_IsTheBinomialTail(int first, int second, double p)
    {
        Assert.Equal(p, McNemar.ExactP(first, second), 12);
        Assert.Equal(p, McNemar.ExactP(second, first), 12);
    }

    [Fact]
    public void ExactP_OfAnySplit_IsASumOfWholeNumbers() => Gen.Select(Gen.Int[0, 200], Gen.Int[0, 200]).Sample((first, second) =>
    {
        var rows = first + second;
        BigInteger ways = 1, tail = 0;
        for (var k = 0; k <= Math.Min(first, second); k++)
        {
            tail += ways;
            ways = ways * (rows - k) / (k + 1);
        }

        var expected = Math.Min(1, Math.Exp(BigInteger.Log(2 * tail) - BigInteger.Log(BigInteger.Pow(2, rows))));
        Assert.Equal(expected, McNemar.ExactP(first, second), 9);
    });

    [Fact]
    public void ExactP_OfManyRows_StaysANumber() => Assert.InRange(McNemar.ExactP(50_000, 50_000), 1 - 1e-9, 1);

    [Theory]
    [InlineData(0, 10, 0, 0.277533)]
    [InlineData(10, 10, 0.722467, 1)]
    [InlineData(5, 10, 0.236593, 0.763407)]
    [InlineData(81, 263, 0.255289, 0.36621)]
    public void Wilson_OfKnownShares_IsTheInterval(int hits, int rows, double low, double high)
    {
        var interval = WilsonInterval.Of(hits, rows);

        Assert.Equal((low, high), (Math.Round(interval.Low, 6), Math.Round(interval.High, 6)));
    }

    [Fact]
    public void Wilson_Ends_AreWhereTheShareIsTheQuantileAway() =>
        Gen.Int[1, 500].SelectMany(n => Gen.Int[1, n].Select(h => (h - 1, n))).Sample((hits, rows) =>
    {
        // The defining equation, not the closed form: |share − end| is 1.96 standard deviations of a share whose mean is the end.
        var interval = WilsonInterval.Of(hits, rows);
        foreach (var end in hits == 0 ? [interval.High] : new[] { interval.Low, interval.High })
            Assert.Equal(1.959963984540054, Math.Abs(((double)hits / rows) - end) / Math.Sqrt(end * (1 - end) / rows), 6);
    });
}
