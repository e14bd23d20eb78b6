using System.Runtime.InteropServices;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using TorchSharp;

namespace DistillOnnx.Training.Tests.Engines;

/// <summary>
/// The check that CUDA's fused attention must pass before it is used, on the CPU: what it compares with, and what it refuses.
/// </summary>
public sealed class FusedAttentionTests
{
    [Fact]
    public void Difference_OfProducts_IsThatOfRounding()
    {
        LibTorch.Load();
        var difference = FusedAttention.Difference(torch.CPU, torch.ScalarType.Float32, 16, AttentionForm.Products);
        Assert.InRange(difference, 0, 1e-5);
        Assert.Equal(0, FusedAttention.Difference(torch.CPU, torch.ScalarType.Float32, 16, AttentionForm.ProductsOfSums));
        Assert.InRange(FusedAttention.Difference(torch.CPU, torch.ScalarType.BFloat16, 16, AttentionForm.Products), 0, 0.08);
    }

    [Fact]
    public void Difference_OfTheFusedKernelWithoutCuda_IsAnErrorThatNamesIt()
    {
        LibTorch.Load();
        var fault = Assert.ThrowsAny<ExternalException>(
            () => FusedAttention.Difference(torch.CPU, torch.ScalarType.Float32, 16, AttentionForm.Fused));
        Assert.Contains("_scaled_dot_product_efficient_attention", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhyNot_OnTheCpu_SaysSo()
    {
        LibTorch.Load();
        Assert.Contains("CUDA", FusedAttention.WhyNot(torch.CPU, torch.ScalarType.Float32, 16), StringComparison.Ordinal);
    }
}
