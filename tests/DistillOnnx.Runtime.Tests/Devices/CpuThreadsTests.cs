using DistillOnnx.Runtime.Devices;

namespace DistillOnnx.Runtime.Tests.Devices;

public sealed class CpuThreadsTests
{
    [Theory]
    [InlineData(3, 2, "0-63", 3)]
    [InlineData(0, 2, "0-63\n", 2)]
    [InlineData(0, 64, "0-63", 0)]
    [InlineData(0, 4, "0,2-3,8-9", 4)]
    [InlineData(0, 5, "0,2-3,8-9", 0)]
    [InlineData(0, 2, "", 0)]
    [InlineData(0, 2, "what?", 0)]
    public void Of_ShareOfTheMachine_IsWhatOnnxRuntimeDoesNotSee(int asked, int usable, string present, int threads) =>
        Assert.Equal(threads, CpuThreads.Of(asked, usable, present));
}
