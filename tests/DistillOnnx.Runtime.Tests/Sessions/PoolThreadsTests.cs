using System.Diagnostics;
using DistillOnnx.Runtime.Native;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Tests.Sessions;

/// <summary>The threads of a session's pool are kept off the core of a caller who comes after a pause.</summary>
public sealed class PoolThreadsTests
{
    private static readonly byte[] Model = new GraphFields().Input("x", TensorElementType.Float, "n").Node("Neg", ["x"], ["y"])
        .Output("y", TensorElementType.Float, "n").ToModel("model");

    [Fact]
    public void Enter_AfterAPause_LeavesTheCallersCoreOut()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.ProcessorCount > 1, "Linux with two cores");
        using var packed = new PrePackedWeightsContainer();
        using var options = new SessionOptions { IntraOpNumThreads = 2 };
        var pool = PoolThreads.Attach(options, 2)!;
        using (var session = new PooledSession(Model, options, packed, pool))
        {
            var thread = Assert.Single(Numbers(pool));
            var all = Cores(thread);

            pool.Enter();
            Assert.Equal(all - 1, Cores(thread));

            // A second caller at the same time: all cores again.
            pool.Enter();
            Assert.Equal(all, Cores(thread));
            pool.Exit();
            pool.Exit();

            // Soon after a run the thread may still be awake, and is not moved.
            pool.Enter();
            pool.Exit();
            using var x = OrtValue.CreateTensorValueFromMemory([1f, -2f], [2]);
            using var run = new GraphRun(TestContext.Current.CancellationToken);
            Thread.Sleep(20);
            using var results = run.Run(session, ["x"], [x], ["y"]);
            Assert.Equal([-1f, 2f], results[0].GetTensorDataAsSpan<float>().ToArray());
            Assert.Equal(all - 1, Cores(thread));
        }

        Assert.Empty(pool.Numbers);
    }

    [Fact]
    public void Attach_OneThreadOrMoreThanCores_LeavesTheSessionAlone()
    {
        using var options = new SessionOptions();
        Assert.Null(PoolThreads.Attach(options, 1));
        Assert.Null(PoolThreads.Attach(options, 2000));
    }

    private static IReadOnlyList<int> Numbers(PoolThreads pool)
    {
        var start = Stopwatch.GetTimestamp();
        while (pool.Numbers.Count == 0 && Stopwatch.GetElapsedTime(start).TotalSeconds < 30) Thread.Sleep(1);
        return pool.Numbers;
    }

    private static int Cores(int thread)
    {
        const string name = "Cpus_allowed:";
        var line = File.ReadLines($"/proc/self/task/{thread}/status").First(l => l.StartsWith(name, StringComparison.Ordinal));
        var digits = line[name.Length..].Trim().Replace(",", "", StringComparison.Ordinal);
        return digits.Sum(d => int.PopCount(Convert.ToInt32(d.ToString(), 16)));
    }
}
