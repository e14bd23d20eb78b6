using DistillOnnx.Core.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>The encoder or the decoder: blocks one after another and a final norm.</summary>
internal sealed class T5Stack : nn.Module
{
    private readonly T5Block[] _blocks;
    private readonly T5LayerNorm _finalNorm;
    private readonly T5Precision _precision;
    private readonly double _dropout;

    public T5Stack(T5Config config, ParameterArena arena, T5Precision precision, bool isDecoder)
        : base(nameof(T5Stack))
    {
        _precision = precision;
        _dropout = config.DropoutRate;
        _blocks =
        [
            .. Enumerable.Range(0, isDecoder ? config.NumDecoderLayers : config.NumLayers).Select(i =>
                new T5Block(config, arena, precision, isDecoder, ownsRelativePosition: i == 0 || config.RelativeBiasPerBlock)),
        ];
        _finalNorm = new T5LayerNorm(arena.Take(config.DModel), config.LayerNormEpsilon, precision);
        register_module("block", T5Modules.Numbered(_blocks));
        register_module("final_layer_norm", _finalNorm);
    }

    public IReadOnlyList<T5Block> Blocks => _blocks;

    /// <summary>Runs all blocks.</summary>
    /// <param name="embedded">float32 [B, S, d_model].</param>
    /// <param name="selfBias">Makes position bias and mask, which broadcast to [B, heads, S, keys]. A block that owns a relative position
    /// begins a new one.</param>
    /// <param name="caches">One a block in a decoder, null in an encoder.</param>
    /// <param name="crossBias">Mask of the encoder's positions: [B, 1, 1, S_encoder]; null in an encoder.</param>
    /// <returns>[B, S, d_model].</returns>
    public Tensor Forward(
        Tensor embedded, Func<T5RelativePosition, Tensor> selfBias, IReadOnlyList<T5LayerCache>? caches = null, Tensor? crossBias = null)
    {
        using var scope = NewDisposeScope();
        crossBias = crossBias?.to(_precision.ComputeType);
        var x = Dropout(embedded);
        Tensor? bias = null;
        for (var i = 0; i < _blocks.Length; i++)
        {
            if (_blocks[i].SelfAttention.RelativePosition is { } own) bias = selfBias(own).to(_precision.ComputeType);
            x = _blocks[i].Forward(x, bias!, caches?[i], crossBias);
        }

        return Dropout(_finalNorm.Forward(x)).MoveToOuterDisposeScope();
    }

    private Tensor Dropout(Tensor x) => nn.functional.dropout(x, _dropout, training);

    protected override void RegisterComponents()
    {
    }
}
