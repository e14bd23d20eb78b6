using DistillOnnx.Hosting.Batching;

namespace DistillOnnx.Server.Tests.RequestBatching;

public sealed class ServiceRateTests
{
    [Fact]
    public void PromiseFor_EvenBatches_ComesDownToTheMean()
    {
        var rate = new ServiceRate();
        for (var i = 0; i < 50; i++) rate.Observe(100, TimeSpan.FromSeconds(1), 1);

        Assert.Equal(2, rate.TimeFor(200).TotalSeconds, 1e-6);
        Assert.InRange(rate.PromiseFor(200).TotalSeconds, 2, 2.001);
    }

    [Fact]
    public void PromiseFor_OneSlowBatch_GrowsByMoreThanTheMean()
    {
        var rate = new ServiceRate();
        for (var i = 0; i < 50; i++) rate.Observe(100, TimeSpan.FromSeconds(1), 1);
        rate.Observe(100, TimeSpan.FromSeconds(2), 1);

        // By hand: the mean 1 + 1/8, the spread 1/4, of which a promise allows for two.
        Assert.Equal(1.125, rate.TimeFor(100).TotalSeconds, 1e-4);
        Assert.Equal(1.625, rate.PromiseFor(100).TotalSeconds, 1e-4);
    }

    [Fact]
    public void TimeFor_SeveralLanes_IsShared()
    {
        var rate = new ServiceRate();
        rate.Observe(100, TimeSpan.FromSeconds(1), 4);

        Assert.Equal(0.25, rate.TimeFor(100).TotalSeconds, 1e-6);
    }

    [Fact]
    public void PromiseFor_NothingSeen_PromisesAtOnce() => Assert.Equal(TimeSpan.Zero, new ServiceRate().PromiseFor(1_000_000));
}
