using DistillOnnx.Checkpoints;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>
/// One block of a stack: self-attention, in the decoder attention to the encoder, and a feed-forward layer, each normed
/// before and added to what came in. A sum and the norm after it are one operator, so a block also takes the next one's norm.
/// </summary>
internal sealed class T5Block
{
    private readonly T5Context _t5;

    public T5Block(T5Context t5, bool isDecoder, int block)
    {
        _t5 = t5;
        var ownsRelativePosition = block == 0 || t5.Config.RelativeBiasPerBlock;

        SelfAttention = new T5Attention(
            t5, name => T5TensorNames.SelfAttention(isDecoder, block, name),
            ownsRelativePosition ? new T5RelativePosition(t5, isDecoder, block) : null, isDecoder ? null : block);
        SelfNorm = Norm(0);
        if (isDecoder)
        {
            CrossAttention = new T5Attention(t5, name => T5TensorNames.CrossAttention(block, name));
            CrossNorm = Norm(1);
        }

        FeedForward = new T5FeedForward(t5, isDecoder, block);
        FeedForwardNorm = Norm(isDecoder ? 2 : 1);

        T5LayerNorm Norm(int layer) => new(t5, T5TensorNames.Norm(isDecoder, block, layer), isDecoder);
    }

    public T5LayerNorm SelfNorm { get; }

    public T5Attention SelfAttention { get; }

    /// <summary>Null in the encoder itself.</summary>
    public T5LayerNorm? CrossNorm { get; }

    /// <summary>Attention to the encoder; null in the encoder itself.</summary>
    public T5Attention? CrossAttention { get; }

    public T5LayerNorm FeedForwardNorm { get; }

    public T5FeedForward FeedForward { get; }

    /// <summary>Adds the block's nodes in an encoder.</summary>
    /// <param name="x">The residual stream and its norm, [B, S, d_model] both.</param>
    /// <param name="selfBias">What <see cref="T5Attention.ForwardSelf"/> takes.</param>
    /// <param name="paddingMask">What <see cref="T5Attention.ForwardSelf"/> takes.</param>
    /// <param name="next">The next block's norm, or the final one.</param>
    /// <param name="isLast">Whether it is the final one, which more than matrix products read.</param>
    /// <param name="length">S.</param>
    /// <returns>The residual stream and the next norm of it, [B, S, d_model] both.</returns>
    public (Value X, Value Normed) Forward(
        (Value X, Value Normed) x, Value selfBias, Value paddingMask, T5LayerNorm next, bool isLast, Dim length)
    {
        ScaledRows attended;
        using (_t5.Graph.Scope("attention")) attended = SelfAttention.ForwardSelf(x.Normed, selfBias, paddingMask, length);
        x = FeedForwardNorm.ForwardSum(x.X, attended, length, onlyMultiplied: true);
        return next.ForwardSum(x.X, FeedForward.ForwardScaled(x.Normed, length), length, onlyMultiplied: !isLast);
    }

    /// <summary>Adds the block's nodes in a decoder.</summary>
    /// <param name="x">The residual stream and its norm, [B, T, d_model] both.</param>
    /// <param name="selfBias">Position bias and mask: broadcasts to [B, heads, T, keys].</param>
    /// <param name="cache">Keys and values of earlier positions and of the encoder; afterwards with those of this call.</param>
    /// <param name="encoderStates">[B, S, d_model]; not read where the cache has the encoder's keys and values.</param>
    /// <param name="crossBias">Mask of the encoder's positions: [B, 1, 1, S].</param>
    /// <param name="next">The next block's norm, or the final one.</param>
    /// <param name="length">T.</param>
    /// <returns>The residual stream and the next norm of it, [B, T, d_model] both.</returns>
    public (Value X, Value Normed) Forward(
        (Value X, Value Normed) x, Value selfBias, ref T5LayerCache cache, Value encoderStates, Value crossBias, T5LayerNorm next,
        Dim length)
    {
        using (_t5.Graph.Scope("self_attention"))
        {
            var query = SelfAttention.Queries(x.Normed, length);
            var (key, value) = SelfAttention.KeysAndValues(x.Normed, length);
            cache = cache.Append(_t5.Graph, key, value);
            x.Normed = SelfAttention.Forward(query, cache.Key, cache.Value, selfBias, length);
        }

        x = CrossNorm!.ForwardSum(x.X, x.Normed, length);
        using (_t5.Graph.Scope("cross_attention"))
        {
            var query = CrossAttention!.Queries(x.Normed, length);
            if (cache.EncoderKey == Value.None)
            {
                var (key, value) = CrossAttention.KeysAndValues(encoderStates, T5Model.EncoderLength);
                cache = cache with { EncoderKey = key, EncoderValue = value };
            }

            x.Normed = CrossAttention.Forward(query, cache.EncoderKey, cache.EncoderValue, crossBias, length);
        }

        x = FeedForwardNorm.ForwardSum(x.X, x.Normed, length);
        return next.ForwardSum(x.X, FeedForward.Forward(x.Normed, length), length);
    }
}
