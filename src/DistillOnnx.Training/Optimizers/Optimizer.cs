using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>Makes optimizers.</summary>
internal static class Optimizer
{
    /// <summary>Makes one for a model.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="weights">The weights that it updates: float32 [parameters].</param>
    /// <param name="model">Gives the shapes of the parameters.</param>
    /// <param name="weightDecay">Share of a weight, times the learning rate, taken away a step.</param>
    /// <param name="scaleParameter">Whether the learning rate of a parameter is a share of its size.</param>
    public static IOptimizer Create(OptimizerKind kind, Tensor weights, T5Model model, double weightDecay, bool scaleParameter)
    {
        var parameters = model.named_parameters().ToArray();
        IReadOnlyList<long[]> shapes = [.. parameters.Select(p => p.parameter.shape)];
        return kind switch
        {
            OptimizerKind.Adafactor => new Adafactor(
                weights, [.. parameters.Select(p => p.name)], shapes, weightDecay, scaleParameter),
            _ => new AdamW(weights, shapes, weightDecay, scaleParameter),
        };
    }
}
