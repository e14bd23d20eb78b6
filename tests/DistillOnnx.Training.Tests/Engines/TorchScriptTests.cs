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
}
