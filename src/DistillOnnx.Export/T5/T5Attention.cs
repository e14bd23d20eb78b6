using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Attention over several heads, unscaled as in T5, whose initial weights make up for it. One that owns a relative position bias
/// holds it, since its weight is named as a part of the attention.
/// </summary>
internal sealed class T5Attention
{
    private readonly T5Context _t5;
    private readonly int? _encoderBlock;

    /// <param name="t5">What all parts share.</param>
    /// <param name="name">The checkpoint's name of one of the projections <c>q</c>, <c>k</c>, <c>v</c> and <c>o</c>.</param>
    /// <param name="relativePosition">The relative position bias that it owns.</param>
    /// <param name="encoderBlock">The encoder's block that it is the self-attention of; null: it is of the decoder.</param>
    public T5Attention(
        T5Context t5, Func<string, string> name, T5RelativePosition? relativePosition = null, int? encoderBlock = null)
    {
        _t5 = t5;
        _encoderBlock = encoderBlock;
        Q = new T5Linear(t5, t5.Weights.Projection(name("q")));
        K = new T5Linear(t5, t5.Weights.Projection(name("k")));
        V = new T5Linear(t5, t5.Weights.Projection(name("v")));
        O = new T5Linear(t5, t5.Weights.Projection(name("o")));
        RelativePosition = relativePosition;
    }

    public T5Linear Q { get; }

    public T5Linear K { get; }

    public T5Linear V { get; }

    public T5Linear O { get; }

    /// <summary>In the block that owns one, otherwise null.</summary>
    public T5RelativePosition? RelativePosition { get; }

    /// <summary>Queries in heads: [B, Q, d_model] → [B, heads, Q, d_kv].</summary>
    public Value Queries(Value x, Dim length) => Split(Q.Forward(x, length));

    /// <summary>Keys or values in heads.</summary>
    /// <param name="states">[B, K, d_model].</param>
    /// <param name="length">K.</param>
    /// <returns>Both [B, heads, K, d_kv].</returns>
    public (Value Key, Value Value) KeysAndValues(Value states, Dim length) =>
        (Split(K.Forward(states, length)), Split(V.Forward(states, length)));

    /// <summary>Attends: o(softmax(q·kᵀ + bias)·v).</summary>
    /// <param name="query">[B, heads, Q, d_kv].</param>
    /// <param name="key">[B, heads, K, d_kv].</param>
    /// <param name="value">[B, heads, K, d_kv].</param>
    /// <param name="bias">Added to the scores, mask included: broadcasts to [B, heads, Q, K].</param>
    /// <param name="length">Q.</param>
    /// <returns>[B, Q, d_model].</returns>
    public Value Forward(Value query, Value key, Value value, Value bias, Dim length)
    {
        var graph = _t5.Graph;
        var scores = graph.MatMul(query, graph.Transpose(key, 0, 1, 3, 2));
        var mixed = graph.MatMul(graph.Softmax(graph.Add(scores, bias)), value);
        return O.Forward(Join(mixed), length);
    }

    /// <summary>Attends to the input itself, all at once: the encoder's self-attention, which ONNX Runtime has as one operator.</summary>
    /// <param name="x">[B, S, d_model].</param>
    /// <param name="bias">
    /// Position bias [1, heads, S, S]; in portable graphs with the mask of padding, [B, heads, S, S].
    /// </param>
    /// <param name="paddingMask">int32 [B, S], or int64 for a function: 1 for a token, 0 for padding; not read in portable graphs.</param>
    /// <param name="length">S.</param>
    /// <returns>[B, S, d_model].</returns>
    public ScaledRows ForwardSelf(Value x, Value bias, Value paddingMask, Dim length)
    {
        var ranges = _t5.Weights.Half;
        if (_t5.HalfLayers && ranges.Attention(_encoderBlock!.Value) is { Fits: true } range)
        {
            // What the queries lack, the scores get back when they are read, in single precision.
            var half = _t5.Half(x);
            var attended = Attend(
                Q.ForwardHalf(half, range.Queries, length), K.ForwardHalf(half, 0, length), V.ForwardHalf(half, 0, length), paddingMask,
                _t5.Half(bias), ElementType.Float16, range.Queries, length);
            var (exponent, rescale) = ranges.OfResidual(range.Output);
            return new ScaledRows(_t5.Single(O.ForwardHalf(attended, exponent, length), rescale), Value.None);
        }

        if (_t5.Form.Functions) return AttendRows(x, bias, paddingMask, length);
        var (q, k, v) = (Q.Forward(x, length), K.Forward(x, length), V.Forward(x, length));
        if (_t5.Form.Portable) return new ScaledRows(Forward(Split(q), Split(k), Split(v), bias, length), Value.None);
        var mixed = O.Forward(Attend(q, k, v, paddingMask, bias, ElementType.Float, 0, length), length);
        return _t5.ResidualExponent(isDecoder: false) is > 0 and var scale
            ? new ScaledRows(_t5.Graph.Mul(mixed, _t5.Graph.Scalar(MathF.ScaleB(1, -scale))), Value.None)
            : new ScaledRows(mixed, Value.None);
    }

    /// <summary>The same between integer products.</summary>
    private ScaledRows AttendRows(Value x, Value bias, Value paddingMask, Dim length)
    {
        var (graph, width) = (_t5.Graph, _t5.Config.InnerDim);
        var rows = _t5.Quantize(x, length, _t5.Config.DModel);
        Value[] inputs = [.. ((T5Linear[])[Q, K, V]).Select(p => p.MultiplyUnscaled(rows, length)), rows.Scale, bias, paddingMask];
        var mixed = graph.Call(RowFunctions.AttendRows, inputs, ("heads", _t5.Config.NumHeads))[0];
        var attended = _t5.Quantize(graph.Is(mixed, ElementType.Float, T5Model.Batch, length, width), length, width);
        return new ScaledRows(O.MultiplyUnscaled(attended, length), attended.Scale);
    }

    private Value Attend(Value q, Value k, Value v, Value paddingMask, Value bias, ElementType type, int scoreExponent, Dim length)
    {
        var mixed = _t5.Graph.Node(
            "com.microsoft.MultiHeadAttention", [q, k, v, Value.None, paddingMask, bias],
            ("num_heads", _t5.Config.NumHeads), ("scale", MathF.ScaleB(1, scoreExponent)), ("mask_filter_value", T5Model.MaskedScore));
        return _t5.Graph.Is(mixed, type, T5Model.Batch, length, _t5.Config.InnerDim);
    }

    /// <summary>[B, T, heads·d_kv] → [B, heads, T, d_kv].</summary>
    public Value Split(Value x) => _t5.Graph.Transpose(_t5.Graph.Reshape(x, 0, 0, _t5.Config.NumHeads, _t5.Config.DKv), 0, 2, 1, 3);

    /// <summary>[B, heads, T, d_kv] → [B, T, heads·d_kv].</summary>
    public Value Join(Value x) => _t5.Graph.Reshape(_t5.Graph.Transpose(x, 0, 2, 1, 3), 0, 0, _t5.Config.InnerDim);
}
