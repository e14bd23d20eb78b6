using CsCheck;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Tests.MicroBatches;

public sealed class BatchOrderTests
{
    [Fact]
    public void Rows_OfAnEpoch_AreEveryRowOnce() =>
        Gen.Select(Gen.Int[1, 200], Gen.Int[1, 40], Gen.Int[1, 5], Gen.Long).Sample((rows, batch, window, seed) =>
    {
        var order = new BatchOrder([.. Enumerable.Range(0, rows).Select(i => i * 7 % 13)], batch, window, seed);
        var epoch = Enumerable.Range(3 * order.StepsPerEpoch, order.StepsPerEpoch).SelectMany(s => order.Rows(s)).Order();
        Assert.Equal(Enumerable.Range(0, rows), epoch);
    });

    [Fact]
    public void Rows_AskedForOutOfOrder_AreTheSame()
    {
        var lengths = Enumerable.Range(0, 57).Select(i => i * 31 % 17).ToArray();
        var first = new BatchOrder(lengths, 5, 3, 11);
        var forward = Enumerable.Range(0, 40).Select(s => first.Rows(s).ToArray()).ToArray();
        var second = new BatchOrder(lengths, 5, 3, 11);
        for (var step = 39; step >= 0; step--) Assert.Equal(forward[step], second.Rows(step));
    }

    [Fact]
    public void Rows_OfAnotherSeedOrEpoch_ComeInAnotherOrder()
    {
        var lengths = new int[100];
        Assert.NotEqual(new BatchOrder(lengths, 100, 1, 1).Rows(0), new BatchOrder(lengths, 100, 1, 2).Rows(0));
        var order = new BatchOrder(lengths, 100, 1, 1);
        Assert.NotEqual(order.Rows(0).ToArray(), order.Rows(1).ToArray());
    }

    [Fact]
    public void Rows_WithinAWindow_HaveLikeLengths()
    {
        var random = new Random(1);
        var lengths = Enumerable.Range(0, 800).Select(_ => random.Next(1, 100)).ToArray();
        int Spread(int window)
        {
            var order = new BatchOrder(lengths, 8, window, 5);
            return Enumerable.Range(0, order.StepsPerEpoch)
                .Sum(s => order.Rows(s).Max(r => lengths[r]) - order.Rows(s).Min(r => lengths[r]));
        }

        Assert.True(Spread(20) * 5 < Spread(1));
    }
}
