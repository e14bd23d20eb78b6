using DistillOnnx.Core;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Training.Tests.Native;

/// <summary>Which GPU a process takes.</summary>
public sealed class DevicesTests
{
    [Theory]
    [InlineData("auto", 0, 0, null)]
    [InlineData("auto", 1, 0, null)]
    [InlineData("auto", 0, 1, 0)]
    [InlineData("auto", 2, 4, 2)]
    [InlineData("cuda", 0, 4, 0)]
    [InlineData("cuda", 3, 4, 3)]
    [InlineData("cuda:1", 3, 4, 1)]
    public void CudaIndex_WithoutANumber_IsThePlaceOfTheProcess(string name, int place, int devices, int? expected) =>
        Assert.Equal(expected, Devices.CudaIndex(name, place, devices));

    [Theory]
    [InlineData("auto", 2, 2, "process 3 of a run on this machine, which shows it 2 CUDA device(s)")]
    [InlineData("cuda", 1, 1, "process 2 of a run on this machine, which shows it 1 CUDA device(s)")]
    [InlineData("cuda", 0, 0, "no CUDA device")]
    [InlineData("cuda:0", 0, 0, "no CUDA device")]
    [InlineData("cuda:2", 0, 2, "the system has 2 CUDA device(s)")]
    public void CudaIndex_NoSuchDevice_IsRefused(string name, int place, int devices, string expected)
    {
        var error = Assert.Throws<InputException>(() => Devices.CudaIndex(name, place, devices));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
