using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime.Tests;

public sealed class RuntimeOptionsTests
{
    [Fact]
    public void Validate_Defaults_FindsNothing() => Assert.Empty(new RuntimeOptions().Validate());

    [Fact]
    public void Validate_EverythingWrong_NamesEveryFault()
    {
        var faults = new RuntimeOptions
        {
            Device = "tpu",
            Precision = " ",
            Threads = -1,
            MaxBatchTokens = -1,
            MaxBatchRows = -1,
            Beams = 0,
            AbstainBelow = 1.5,
            CudaMemoryLimit = -1,
        }.Validate();
        Assert.Equal(8, faults.Count);
        Assert.Contains(faults, f => f.Contains("\"tpu\"", StringComparison.Ordinal));
    }

    [Fact]
    public void CudaOptions_LimitAndStrategy_AreSpelledAsTheProviderReadsThem()
    {
        var factory = new SessionFactory(new RuntimeOptions
        {
            Device = "cpu",
            CudaMemoryLimit = 3_000_000_000,
            CudaArena = CudaArenaStrategy.NextPowerOfTwo,
            CudaTf32 = true,
        });
        var options = factory.CudaOptions();
        Assert.Equal("3000000000", options["gpu_mem_limit"]);
        Assert.Equal("kNextPowerOfTwo", options["arena_extend_strategy"]);
        Assert.Equal("1", options["use_tf32"]);
        Assert.Equal("0", options["device_id"]);
    }

    [Fact]
    public void CudaOptions_Recording_IsAskedForAlone()
    {
        var factory = new SessionFactory(new RuntimeOptions { Device = "cpu" });
        Assert.Equal("1", factory.CudaOptions(records: true)["enable_cuda_graph"]);
        Assert.False(factory.CudaOptions().ContainsKey("enable_cuda_graph"));
    }

    [Fact]
    public void CudaOptions_NoLimit_LeavesItOut() =>
        Assert.False(new SessionFactory(new RuntimeOptions { Device = "cpu" }).CudaOptions().ContainsKey("gpu_mem_limit"));
}
