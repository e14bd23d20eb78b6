using DistillOnnx.Core.T5;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>The feed-forward layer (<c>DenseReluDense</c>): wo(act(wi·x)), or gated, wo(act(wi_0·x) ⊙ (wi_1·x)).</summary>
internal sealed class T5FeedForward : nn.Module
{
    private readonly T5Activation _activation;
    private readonly double _dropout;
    private readonly T5Linear _wi0;
    private readonly T5Linear? _wi1;
    private readonly T5Linear _wo;

    public T5FeedForward(T5Config config, ParameterArena arena)
        : base(nameof(T5FeedForward))
    {
        _activation = config.Activation;
        _dropout = config.DropoutRate;
        _wi0 = new T5Linear(arena.Take(config.DFf, config.DModel));
        register_module(config.IsGated ? "wi_0" : "wi", _wi0);
        if (config.IsGated) register_module("wi_1", _wi1 = new T5Linear(arena.Take(config.DFf, config.DModel)));
        register_module("wo", _wo = new T5Linear(arena.Take(config.DModel, config.DFf)));
    }

    /// <summary>[…, d_model] → the same.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var inner = Activate(_wi0.Forward(x));
        if (_wi1 is not null) inner = inner * _wi1.Forward(x);
        inner = nn.functional.dropout(inner, _dropout, training);
        return _wo.Forward(inner).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor x) => _activation switch
    {
        T5Activation.Relu => nn.functional.relu(x),
        T5Activation.GeluNew => nn.functional.gelu(x, GELU.Approximate.tanh),
        T5Activation.Gelu => nn.functional.gelu(x),
        _ => nn.functional.silu(x),
    };

    protected override void RegisterComponents()
    {
    }
}
