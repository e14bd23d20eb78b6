using DistillOnnx.Checkpoints;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>The encoder or the decoder: blocks one after another and a final norm.</summary>
internal sealed class T5Stack
{
    private readonly T5Context _t5;
    private readonly T5Block[] _blocks;
    private readonly T5LayerNorm _finalNorm;

    public T5Stack(T5Context t5, bool isDecoder)
    {
        _t5 = t5;
        _blocks =
        [
            .. Enumerable.Range(0, isDecoder ? t5.Config.NumDecoderLayers : t5.Config.NumLayers).Select(i => new T5Block(t5, isDecoder, i)),
        ];
        _finalNorm = new T5LayerNorm(t5, T5TensorNames.FinalNorm(isDecoder), isDecoder);
    }

    public IReadOnlyList<T5Block> Blocks => _blocks;

    /// <summary>The relative position bias of the first block, which in most models serves all.</summary>
    public T5RelativePosition RelativePosition => _blocks[0].SelfAttention.RelativePosition!;

    /// <summary>What is made of each block's relative position bias: at once, where one serves the whole stack.</summary>
    public Func<int, T> SelfBias<T>(Func<T5RelativePosition, T> make)
    {
        if (_t5.Config.RelativeBiasPerBlock) return block => make(_blocks[block].SelfAttention.RelativePosition!);
        var shared = make(RelativePosition);
        return _ => shared;
    }

    /// <summary>The norm that follows a block: the next block's, or the final one.</summary>
    public T5LayerNorm NormAfter(int block) => block + 1 < _blocks.Length ? _blocks[block + 1].SelfNorm : _finalNorm;

    /// <summary>Adds all blocks of an encoder.</summary>
    /// <param name="embedded">[B, S, d_model].</param>
    /// <param name="selfBias">Each block's position bias, from <see cref="SelfBias"/>.</param>
    /// <param name="paddingMask">What <see cref="T5Attention.ForwardSelf"/> takes.</param>
    /// <param name="length">S.</param>
    /// <returns>[B, S, d_model].</returns>
    public Value Forward(Value embedded, Func<int, Value> selfBias, Value paddingMask, Dim length) =>
        Forward(embedded, (i, x) => _blocks[i].Forward(x, selfBias(i), paddingMask, NormAfter(i), i + 1 == _blocks.Length, length));

    /// <summary>Adds all blocks of a decoder.</summary>
    /// <param name="embedded">[B, T, d_model].</param>
    /// <param name="selfBias">Each block's position bias and mask, from <see cref="SelfBias"/>.</param>
    /// <param name="caches">One a block; afterwards with this call's keys and values.</param>
    /// <param name="encoderStates">[B, S, d_model]; not read where the caches have the encoder's keys and values.</param>
    /// <param name="crossBias">Mask of the encoder's positions: [B, 1, 1, S].</param>
    /// <param name="length">T.</param>
    /// <returns>[B, T, d_model].</returns>
    public Value Forward(
        Value embedded, Func<int, Value> selfBias, T5LayerCache[] caches, Value encoderStates, Value crossBias, Dim length) =>
        Forward(embedded, (i, x) => _blocks[i].Forward(x, selfBias(i), ref caches[i], encoderStates, crossBias, NormAfter(i), length));

    /// <summary>
    /// Adds all blocks, each by the given function, and norms; also for the label graphs, which have attention of their own.
    /// </summary>
    /// <param name="embedded">[B, T, d_model].</param>
    /// <param name="addBlock">From the residual stream and its norm to those after the block of a number.</param>
    /// <returns>[B, T, d_model].</returns>
    public Value Forward(Value embedded, Func<int, (Value X, Value Normed), (Value X, Value Normed)> addBlock)
    {
        var x = (X: embedded, Normed: _blocks[0].SelfNorm.Forward(embedded));
        for (var i = 0; i < _blocks.Length; i++)
        {
            using var scope = _t5.Graph.Scope($"block.{i}");
            x = addBlock(i, x);
        }

        return x.Normed;
    }
}
