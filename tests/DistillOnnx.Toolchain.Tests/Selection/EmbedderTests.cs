using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Tests.Selection;

public sealed class EmbedderTests(SelectionFixture fixture) : IClassFixture<SelectionFixture>
{
    [Fact]
    public void Embed_BundleAndCheckpoint_AgreeAndDoNotDependOnTheBatch()
    {
        PredictorInput[] inputs = [.. SelectionFixture.Rows(40).Select(r => new PredictorInput(r.Input))];
        using var bundle = PredictorFactory.Open(fixture.Bundle, new() { Device = "cpu", Threads = 1 }, Reporter.None);
        using var checkpoint = PredictorFactory.Open(fixture.Checkpoint, new() { Device = "cpu", Threads = 1 }, Reporter.None);

        var expected = ((IEmbedder)checkpoint).Embed(inputs, TestContext.Current.CancellationToken);
        var together = ((IEmbedder)bundle).Embed(inputs, TestContext.Current.CancellationToken);

        Assert.Equal(inputs.Length, together.Count);
        for (var i = 0; i < inputs.Length; i++)
        {
            var alone = ((IEmbedder)bundle).Embed([inputs[i]], TestContext.Current.CancellationToken)[0];
            Assert.Equal(expected[i].Length, together[i].Length);
            Assert.All(expected[i].Zip(together[i]), p => Assert.Equal(p.First, p.Second, tolerance: 1e-4f));
            Assert.All(alone.Zip(together[i]), p => Assert.Equal(p.First, p.Second, tolerance: 1e-4f));
        }

        Assert.NotEqual(together[0], together[1]);
        Assert.Throws<InputException>(() => ((IEmbedder)bundle).Embed([new PredictorInput(" ")], TestContext.Current.CancellationToken));
        Assert.Throws<InputException>(
            () => ((IEmbedder)checkpoint).Embed([new PredictorInput(" ")], TestContext.Current.CancellationToken));
    }
}
