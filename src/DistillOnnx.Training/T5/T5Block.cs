using DistillOnnx.Core.T5;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// One block of a stack: self-attention, in the decoder attention to the encoder, and a feed-forward layer, each normed
/// before and added to what came in.
/// </summary>
internal sealed class T5Block : nn.Module
{
    private readonly double _dropout;
    private readonly T5LayerNorm _selfNorm;
    private readonly T5LayerNorm? _crossNorm;
    private readonly T5LayerNorm _feedForwardNorm;
    private readonly T5FeedForward _feedForward;

    public T5Block(T5Config config, ParameterArena arena, T5Precision precision, bool isDecoder, bool ownsRelativePosition)
        : base(nameof(T5Block))
    {
        _dropout = config.DropoutRate;
        var layers = new List<nn.Module>();

        SelfAttention = new T5Attention(config, arena, bidirectional: !isDecoder, ownsRelativePosition);
        _selfNorm = Norm();
        layers.Add(new T5Modules(("SelfAttention", SelfAttention), ("layer_norm", _selfNorm)));
        if (isDecoder)
        {
            CrossAttention = new T5Attention(config, arena, bidirectional: true, ownsRelativePosition: false);
            _crossNorm = Norm();
            layers.Add(new T5Modules(("EncDecAttention", CrossAttention), ("layer_norm", _crossNorm)));
        }

        _feedForward = new T5FeedForward(config, arena);
        _feedForwardNorm = Norm();
        layers.Add(new T5Modules(("DenseReluDense", _feedForward), ("layer_norm", _feedForwardNorm)));
        register_module("layer", T5Modules.Numbered(layers));

        T5LayerNorm Norm() => new(arena.Take(config.DModel), config.LayerNormEpsilon, precision);
    }

    public T5Attention SelfAttention { get; }

    /// <summary>Attention to the encoder; null in the encoder itself.</summary>
    public T5Attention? CrossAttention { get; }

    /// <summary>Runs the block.</summary>
    /// <param name="x">float32 [B, S, d_model].</param>
    /// <param name="selfBias">Position bias and mask: broadcasts to [B, heads, S, keys].</param>
    /// <param name="cache">Keys and values of earlier positions and of the encoder; null in an encoder.</param>
    /// <param name="crossBias">Mask of the encoder's positions: [B, 1, 1, S_encoder]; null in an encoder.</param>
    /// <returns>[B, S, d_model].</returns>
    public Tensor Forward(Tensor x, Tensor selfBias, T5LayerCache? cache, Tensor? crossBias)
    {
        using var scope = NewDisposeScope();
        var normed = _selfNorm.Forward(x);
        var (key, value) = SelfAttention.KeysAndValues(normed);
        if (cache is not null) (key, value) = cache.Append(key, value);
        x = x.Plus(Dropout(SelfAttention.Forward(normed, key, value, selfBias)));
        if (CrossAttention is not null)
            x = x.Plus(
                Dropout(CrossAttention.Forward(_crossNorm!.Forward(x), cache!.EncoderKey, cache.EncoderValue, crossBias!)));
        x = x.Plus(Dropout(_feedForward.Forward(_feedForwardNorm.Forward(x))));
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Dropout(Tensor x) => nn.functional.dropout(x, _dropout, training);

    protected override void RegisterComponents()
    {
    }
}
