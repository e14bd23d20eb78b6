using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Engines;

public sealed class TorchScriptTests
{
    [Fact]
    public async Task Invoke_WhileObjectsAreCollected_PassesTheNumbers()
    {
        // The executor compiles in its first calls; those after them leave the collector little time, so there are many.
        LibTorch.Load();
        using var stop = new CancellationTokenSource();
        var collector = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    GC.Collect(0);
                    GC.WaitForPendingFinalizers();
                }
            },
            TestContext.Current.CancellationToken);
        try
        {
            using var x = tensor([-1f, 2f]);
            for (var i = 0; i < 3000; i++)
            {
                using var relu = TorchScript.Step(ScalarType.Float32).Invoke("activate", x, 0);
                using var dropped = TorchScript.Step(ScalarType.Float32).Invoke("masked", x, x, 0.0);
                Assert.Equal([0f, 2f], relu.data<float>().ToArray());
                Assert.Equal([-1f, 2f], dropped.data<float>().ToArray());
            }
        }
        finally
        {
            await stop.CancelAsync();
            await collector;
        }
    }

    [Fact]
    public void Seed_OfTheSameNumber_DrawsTheSame()
    {
        LibTorch.Load();
        using var scope = TorchSharp.torch.NewDisposeScope();
        TorchSharp.torch.Tensor Draw(long seed)
        {
            TorchScript.Seed.Invoke("seed", seed).Dispose();
            return TorchSharp.torch.rand(8);
        }

        var (one, two, again) = (Draw(1), Draw(2), Draw(1));

        Assert.True(one.equal(again).all().item<bool>());
        Assert.False(one.equal(two).all().item<bool>());
    }
}
