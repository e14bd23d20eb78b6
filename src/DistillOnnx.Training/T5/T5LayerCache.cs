using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// What one decoder block keeps: keys and values of the encoder's positions, projected once, and those of the positions decoded so
/// far where decoding goes token by token.
/// </summary>
internal sealed class T5LayerCache
{
    private readonly bool _grows;
    private Tensor? _key;
    private Tensor? _value;

    /// <param name="encoderKey">[B, heads, S, d_kv].</param>
    /// <param name="encoderValue">[B, heads, S, d_kv].</param>
    /// <param name="grows">Whether later positions see earlier calls' keys; false where all positions come in one call.</param>
    public T5LayerCache(Tensor encoderKey, Tensor encoderValue, bool grows)
    {
        EncoderKey = encoderKey;
        EncoderValue = encoderValue;
        _grows = grows;
    }

    public Tensor EncoderKey { get; private set; }

    public Tensor EncoderValue { get; private set; }

    /// <summary>Adds new positions and returns all so far: [B, heads, T, d_kv].</summary>
    public (Tensor Key, Tensor Value) Append(Tensor key, Tensor value)
    {
        if (!_grows) return (key, value);
        _key = Keep(_key is null ? key.contiguous() : cat([_key, key], 2), _key);
        _value = Keep(_value is null ? value.contiguous() : cat([_value, value], 2), _value);
        return (_key, _value);
    }

    /// <summary>Puts rows in another order, or keeps some of them: what beam search does after each step.</summary>
    /// <param name="rows">int64 [B′]: for each new row, the old one.</param>
    /// <param name="encoderToo">Whether the encoder's rows move as well; beams of one input share them unmoved.</param>
    public void Reorder(Tensor rows, bool encoderToo)
    {
        if (_key is not null) _key = Keep(_key.index_select(0, rows), _key);
        if (_value is not null) _value = Keep(_value.index_select(0, rows), _value);
        if (!encoderToo) return;
        EncoderKey = Keep(EncoderKey.index_select(0, rows), EncoderKey);
        EncoderValue = Keep(EncoderValue.index_select(0, rows), EncoderValue);
    }

    /// <summary>Frees what is held.</summary>
    public void Dispose()
    {
        _key?.Dispose();
        _value?.Dispose();
        EncoderKey.Dispose();
        EncoderValue.Dispose();
    }

    /// <summary>A cache outlives the scope of the step that fills it.</summary>
    private static Tensor Keep(Tensor tensor, Tensor? old)
    {
        old?.Dispose();
        return tensor.DetachFromDisposeScope();
    }
}
