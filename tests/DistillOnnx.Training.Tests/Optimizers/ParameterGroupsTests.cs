using DistillOnnx.Core.T5;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Optimizers;

/// <summary>Parameters that are updated together. Counts tensors, of which other tests make some too, so these run alone.</summary>
[Collection(nameof(EngineGradientTests))]
public sealed class ParameterGroupsTests
{
    public ParameterGroupsTests() => LibTorch.Load();

    [Fact]
    public void Step_Grouped_UpdatesEveryParameterAsAlone()
    {
        using var scope = NewDisposeScope();
        using var student = Student(layers: 4);
        var parameters = student.named_parameters().ToArray();
        long[][] shapes = [.. parameters.Select(p => p.parameter.shape)];
        using var together = student.FlatParameters.detach().clone();
        using var alone = together.clone();
        using var grouped = new Adafactor(together, [.. parameters.Select(p => p.name)], shapes, 0.1, scaleParameter: true);
        using var single = new Adafactor(alone, [.. parameters.Select((_, i) => $"p{i}")], shapes, 0.1, scaleParameter: true);
        for (var step = 1; step <= 3; step++)
        {
            using var gradients = randn_like(together);
            using var same = gradients.clone();
            grouped.Step(together, gradients, 0.5, 1e-2, step);
            single.Step(alone, same, 0.5, 1e-2, step);
        }

        Assert.InRange((together - alone).abs().max().item<float>(), 0, 1e-6f);
        foreach (var (name, state) in grouped.State)
            Assert.InRange((state - single.State[name]).abs().max().item<float>() / state.abs().max().item<float>(), 0, 1e-5f);
    }

    [Fact]
    public void Step_DeeperModel_TakesAsManyOperations()
    {
        long Made(int layers)
        {
            using var scope = NewDisposeScope();
            using var student = Student(layers);
            var weights = student.FlatParameters.detach();
            using var optimizer = Optimizer.Create(OptimizerKind.Adafactor, weights, student, 0, scaleParameter: true);
            var gradients = zeros_like(weights);
            var before = DisposeScopeManager.Statistics.CreatedInScopeCount;
            optimizer.Step(weights, gradients, 1, 1e-2, 1);
            return DisposeScopeManager.Statistics.CreatedInScopeCount - before;
        }

        Assert.Equal(Made(4), Made(9));
    }

    private static T5Model Student(int layers) => new(
        EngineGradientTests.Config(T5Activation.GeluNew, true, false, 32, 16, 2) with { NumLayers = layers, NumDecoderLayers = layers },
        seed: 3);
}
