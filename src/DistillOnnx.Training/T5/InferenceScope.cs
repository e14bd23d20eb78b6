using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>While it lasts: no gradients, no dropout, and tensors that are gone at its end.</summary>
internal sealed class InferenceScope : IDisposable
{
    private readonly T5Model _model;
    private readonly bool _wasTraining;
    private readonly IDisposable _noGrad;
    private readonly IDisposable _tensors;

    public InferenceScope(T5Model model)
    {
        _model = model;
        _wasTraining = model.training;
        if (_wasTraining) model.eval();
        _noGrad = no_grad();
        _tensors = NewDisposeScope();
    }

    public void Dispose()
    {
        _tensors.Dispose();
        _noGrad.Dispose();
        if (_wasTraining) _model.train();
    }
}
