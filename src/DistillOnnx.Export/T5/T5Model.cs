using DistillOnnx.Checkpoints;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// The T5 encoder-decoder (Raffel et al. 2020, arXiv:1910.10683) in all forms of the family: v1.0, v1.1, flan and mT5. Its parts
/// have the names of the modules that training has; where those compute, these add nodes to a graph.
/// </summary>
internal sealed class T5Model
{
    /// <summary>The name of the first dimension of every input and output, which readers look for.</summary>
    public const string Batch = "batch_size";

    /// <summary>The name of the encoder's length in decoders.</summary>
    public const string EncoderLength = "encoder_sequence_length";

    /// <summary>Added to scores that must not count: so low that the softmax gives 0.</summary>
    public const float MaskedScore = -1e9f;

    private readonly T5Linear _shared;
    private readonly T5Linear? _lmHead;
    private readonly T5Stack _encoder;

    /// <param name="graph">The graph to which the model's nodes are added.</param>
    /// <param name="weights">The checkpoint's weights.</param>
    /// <param name="form">How the graph is written.</param>
    public T5Model(GraphBuilder graph, T5Weights weights, GraphForm form)
    {
        Context = new T5Context(graph, weights, form);
        _shared = new T5Linear(Context, weights.Projection(T5TensorNames.Shared));
        _encoder = new T5Stack(Context, isDecoder: false);
        Decoder = new T5Stack(Context, isDecoder: true);
        if (!weights.Config.TieWordEmbeddings) _lmHead = new T5Linear(Context, weights.Projection(T5TensorNames.LmHead));
    }

    /// <summary>What all parts share.</summary>
    public T5Context Context { get; }

    public T5Stack Decoder { get; }

    /// <summary>Adds the encoder.</summary>
    /// <param name="inputIds">int64 [B, S].</param>
    /// <param name="attentionMask">int64 [B, S]: 1 for a token, 0 for padding.</param>
    /// <param name="length">S.</param>
    /// <returns>The last hidden states after the norm: [B, S, d_model].</returns>
    public Value Encode(Value inputIds, Value attentionMask, Dim length)
    {
        var graph = Context.Graph;
        using var scope = graph.Scope("encoder");
        var embedded = Embed(inputIds);
        if (Context.ResidualExponent(isDecoder: false) is > 0 and var exponent)
            embedded = graph.Mul(embedded, graph.Scalar(MathF.ScaleB(1, -exponent)));
        var rows = _encoder.RelativePosition.Rows(graph.Scalar(0L), graph.Size(inputIds, 1));
        var mask = Context.Form.Portable ? MaskBias(attentionMask, 1, 2)
            : Context.Form.Functions ? attentionMask
            : graph.Cast(attentionMask, ElementType.Int32);
        var bias = _encoder.SelfBias(p => Context.Form.Portable ? graph.Add(p.Bias(rows), mask) : p.Bias(rows));
        return _encoder.Forward(embedded, bias, mask, length);
    }

    /// <summary>Adds the decoder of all positions at once, each seeing itself and the ones before.</summary>
    /// <param name="inputIds">int64 [B, T].</param>
    /// <param name="encoderStates">What <see cref="Encode"/> gave: [B, S, d_model].</param>
    /// <param name="encoderMask">int64 [B, S]: 1 for a token, 0 for padding.</param>
    /// <param name="length">T.</param>
    /// <returns>Logits [B, T, vocab_size], and each block's keys and values.</returns>
    public (Value Logits, T5LayerCache[] Present) Decode(Value inputIds, Value encoderStates, Value encoderMask, Dim length)
    {
        var none = Enumerable.Repeat(T5LayerCache.Empty, Decoder.Blocks.Count).ToArray();
        return Decode(inputIds, encoderStates, encoderMask, none, Context.Graph.Scalar(0L), length);
    }

    /// <summary>Adds the decoder of further positions, after those that the caches hold.</summary>
    /// <param name="inputIds">int64 [B, T], the tokens decoded last.</param>
    /// <param name="encoderMask">int64 [B, S]: 1 for a token, 0 for padding.</param>
    /// <param name="past">Keys and values of the positions before, and of the encoder's.</param>
    /// <param name="length">T.</param>
    /// <returns>Logits [B, T, vocab_size], and each block's keys and values.</returns>
    public (Value Logits, T5LayerCache[] Present) DecodeStep(Value inputIds, Value encoderMask, T5LayerCache[] past, Dim length) =>
        Decode(inputIds, Value.None, encoderMask, [.. past], Context.Graph.Size(past[0].Key, 2), length);

    private (Value Logits, T5LayerCache[] Present) Decode(
        Value inputIds, Value encoderStates, Value encoderMask, T5LayerCache[] caches, Value firstQuery, Dim length)
    {
        var graph = Context.Graph;
        using var scope = graph.Scope("decoder");
        var embedded = EmbedDecoded(inputIds);
        var rows = Decoder.RelativePosition.Rows(firstQuery, graph.Add(firstQuery, graph.Size(inputIds, 1)));
        var bias = Decoder.SelfBias(p => p.Bias(rows));
        var hidden = Decoder.Forward(embedded, bias, caches, encoderStates, MaskBias(encoderMask, 1, 2), length);
        return (Logits(hidden, length), caches);
    }

    /// <summary>Scores every vocabulary entry: [B, T, d_model] → [B, T, vocab_size]. A tied head is the embedding, stored once.</summary>
    private Value Logits(Value hidden, Dim length)
    {
        var (graph, config) = (Context.Graph, Context.Config);
        using var scope = graph.Scope("lm_head");
        var (head, scale) = (_lmHead ?? _shared, Context.Weights.OutputScale);
        if (Context.Form.Precision is GraphPrecision.Int8 or GraphPrecision.Q4)
            return head.Forward(config.ScaleDecoderOutputs ? graph.Mul(hidden, graph.Scalar(scale)) : hidden, length);

        // Gemm reads the matrix transposed, as the embedding is stored.
        var rows = graph.Reshape(hidden, -1, config.DModel);
        var matrix = head.Weight.Transposed();
        var logits = Context.Form.Precision == GraphPrecision.Fp32
            ? graph.Node("Gemm", [rows, Context.Weight(matrix)], ("transB", 1), ("alpha", scale))
            : graph.Cast(
                graph.Node("Gemm", [Context.Half(rows), Context.HalfWeight(matrix)], ("transB", 1), ("alpha", scale)), ElementType.Float);
        var shape = graph.Node("Shape", [hidden], ("start", 0), ("end", 2));
        return graph.Reshape(logits, graph.Concat(0, shape, graph.Constant([(long)config.VocabSize])));
    }

    /// <summary>Token embeddings: int64 [B, S] → [B, S, d_model].</summary>
    public Value Embed(Value ids) => _shared.Rows(ids);

    /// <summary>
    /// The same in a decoder, where a tied lm_head in eight bits serves: its columns are the embedding's rows, stored once.
    /// </summary>
    private Value EmbedDecoded(Value ids)
    {
        if (Context.Form.Precision != GraphPrecision.Int8 || !Context.Config.TieWordEmbeddings) return Embed(ids);
        var graph = Context.Graph;
        var (quantized, scales) = _shared.ColumnQuantized();
        var columns = graph.Transpose(graph.Gather(quantized, ids, axis: 1), 1, 2, 0);
        return graph.Mul(graph.Cast(columns, ElementType.Float), graph.Unsqueeze(graph.Gather(scales, ids), 2));
    }

    /// <summary>0 at tokens, a very low number at padding: [B, S], with further dimensions of size 1, such as [B, 1, 1, S].</summary>
    /// <param name="mask">int64 [B, S]: 1 for a token, 0 for padding.</param>
    /// <param name="axes">Where the further dimensions are inserted.</param>
    public Value MaskBias(Value mask, params long[] axes) => MaskBias(Context.Graph, mask, axes);

    /// <summary>The same in another graph.</summary>
    internal static Value MaskBias(GraphBuilder graph, Value mask, params long[] axes)
    {
        var bias = graph.Mul(graph.Sub(graph.Scalar(1f), graph.Cast(mask, ElementType.Float)), graph.Scalar(MaskedScore));
        return graph.Unsqueeze(bias, axes);
    }

    /// <summary>The head's rows by token ids of any shape: […, d_model].</summary>
    public Value HeadRows(Value ids) => (_lmHead ?? _shared).Rows(ids);
}
