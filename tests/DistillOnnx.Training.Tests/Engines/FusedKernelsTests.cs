using System.Runtime.InteropServices;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using TorchSharp;

namespace DistillOnnx.Training.Tests.Engines;

/// <summary>
/// The check that CUDA's fused kernels must pass before they are used, on the CPU: what it compares with, and what it refuses.
/// </summary>
public sealed class FusedKernelsTests
{
    [Fact]
    public void Difference_OfPlainOperations_IsThatOfRounding()
    {
        LibTorch.Load();
        var difference = FusedKernels.Difference(torch.CPU, torch.ScalarType.Float32, 16, KernelForm.Plain);
        Assert.InRange(difference, 0, 1e-5);
        Assert.Equal(0, FusedKernels.Difference(torch.CPU, torch.ScalarType.Float32, 16, KernelForm.PlainWithSums));
        Assert.InRange(FusedKernels.Difference(torch.CPU, torch.ScalarType.BFloat16, 16, KernelForm.Plain), 0, 0.08);
    }

    [Fact]
    public void Difference_OfFusedKernelsWithoutCuda_IsAnErrorThatNamesOne()
    {
        LibTorch.Load();
        var fault = Assert.ThrowsAny<ExternalException>(
            () => FusedKernels.Difference(torch.CPU, torch.ScalarType.Float32, 16, KernelForm.Fused));
        Assert.Contains("_efficient_attention_forward", fault.Message, StringComparison.Ordinal);
        Assert.Contains("_efficient_attention_forward", TorchScript.Fault(fault), StringComparison.Ordinal);
    }

    [Fact]
    public void WhyNot_OnTheCpu_SaysSo()
    {
        LibTorch.Load();
        Assert.Contains("CUDA", FusedKernels.WhyNot(torch.CPU, torch.ScalarType.Float32, 16), StringComparison.Ordinal);
    }
}
