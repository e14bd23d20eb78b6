using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Keys and values of one decoder block, [B, heads, T, d_kv] each: those of the positions decoded so far, and those of the
/// encoder's positions, projected once. <see cref="Value.None"/> stands for what is not known yet.
/// </summary>
/// <param name="Key">Of the positions decoded so far.</param>
/// <param name="Value">Of the positions decoded so far.</param>
/// <param name="EncoderKey">Of the encoder's positions.</param>
/// <param name="EncoderValue">Of the encoder's positions.</param>
internal readonly record struct T5LayerCache(Value Key, Value Value, Value EncoderKey, Value EncoderValue)
{
    /// <summary>Before the first position.</summary>
    public static T5LayerCache Empty => new(Value.None, Value.None, Value.None, Value.None);

    /// <summary>Adds new positions to those so far.</summary>
    public T5LayerCache Append(GraphBuilder graph, Value key, Value value) => Key == Value.None
        ? this with { Key = key, Value = value }
        : this with { Key = graph.Concat(2, Key, key), Value = graph.Concat(2, Value, value) };
}
