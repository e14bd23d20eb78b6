using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>Changes all weights of a model in a few large operations.</summary>
internal interface IOptimizer : IDisposable
{
    /// <summary>Tensors that make up the state beside the step's number, by name: what a resumed run needs.</summary>
    IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Changes the weights.</summary>
    /// <param name="weights">float32 [parameters].</param>
    /// <param name="gradients">float32 [parameters]; may be overwritten.</param>
    /// <param name="gradientScale">Multiplied into the gradients: what clipping asks for.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="step">The number of this step, from 1.</param>
    void Step(Tensor weights, Tensor gradients, double gradientScale, double learningRate, int step);
}
