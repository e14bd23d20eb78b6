using DistillOnnx.Core;
using DistillOnnx.Runtime.Devices;

namespace DistillOnnx.Runtime.Tests.Devices;

public sealed class RuntimeDeviceTests
{
    private static readonly string[] CpuBuild = ["CPUExecutionProvider"];
    private static readonly string[] CudaBuild = ["CUDAExecutionProvider", "CPUExecutionProvider"];

    [Theory]
    [InlineData("cuda", 0)]
    [InlineData("cuda:3", 3)]
    public void Resolve_CudaWhereTheBuildHasIt_TakesThatGpu(string text, int index) =>
        Assert.Equal(new RuntimeDevice(DeviceKind.Cuda, index), RuntimeDevice.Resolve(text, CudaBuild));

    [Theory]
    [InlineData("cuda")]
    [InlineData("cuda:0")]
    public void Resolve_CudaWhereTheBuildLacksIt_SaysWhatToDo(string text)
    {
        var error = Assert.Throws<InputException>(() => RuntimeDevice.Resolve(text, CpuBuild));
        Assert.Contains("-p:Accelerator=cuda", error.Message, StringComparison.Ordinal);
        Assert.Contains("CPUExecutionProvider", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_AutoWithoutCuda_TakesTheProcessor() =>
        Assert.Equal("cpu", RuntimeDevice.Resolve("auto", CpuBuild).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:99999")]
    [InlineData("CPU")]
    public void Resolve_NoDeviceName_IsRefused(string text)
    {
        Assert.False(RuntimeDevice.IsWellFormed(text));
        Assert.Throws<InputException>(() => RuntimeDevice.Resolve(text, CudaBuild));
    }
}
