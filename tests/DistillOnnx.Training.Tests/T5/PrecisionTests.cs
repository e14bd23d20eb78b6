using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>bfloat16 for products, float32 for everything that sums.</summary>
public sealed class PrecisionTests
{
    [Theory]
    [InlineData("v1.0")]
    [InlineData("v1.1")]
    [InlineData("gated-silu")]
    public void ComputeType_BFloat16_GivesFloat32LossAndGradientsNearby(string name)
    {
        using var model = TinyModels.Create(name);
        var (loss, gradients) = Step(model);
        model.ComputeType = ScalarType.BFloat16;
        var (rough, roughGradients) = Step(model);
        Assert.NotEqual(loss, rough);
        Assert.Equal(loss, rough, 0.03 * loss);
        var norm = Math.Sqrt(gradients.Sum(g => (double)g * g));
        var difference = Math.Sqrt(gradients.Zip(roughGradients, (a, b) => (double)(a - b) * (a - b)).Sum());
        Assert.InRange(difference / norm, 1e-6, 0.1);
    }

    [Fact]
    public void ComputeType_OtherTypes_AreRefused()
    {
        using var model = TinyModels.Create("v1.0");
        Assert.Throws<ArgumentOutOfRangeException>(() => model.ComputeType = ScalarType.Float16);
    }

    private static (float Loss, float[] Gradients) Step(T5Model model)
    {
        using var scope = NewDisposeScope();
        using var batch = PaddedBatch.Create(TinyModels.Tokens(model, 1, 13, 1, 6), 0, CPU);
        using var targets = PlainParityTests.Padded(TinyModels.Tokens(model, 2, 9, 4, 1));
        model.zero_grad();
        var hidden = model.DecodeHidden(model.ShiftRight(targets), model.Encode(batch.Ids, batch.Mask), batch.Mask);
        Assert.Equal(model.ComputeType, hidden.dtype);
        Assert.Equal(ScalarType.Float32, model.Logits(hidden).dtype);
        var loss = model.TargetLoss(hidden, targets);
        loss.backward();
        Assert.All(model.parameters(), p => Assert.Equal(ScalarType.Float32, p.grad!.dtype));
        return (loss.item<float>(), [.. model.parameters().SelectMany(p => p.grad!.data<float>())]);
    }
}
