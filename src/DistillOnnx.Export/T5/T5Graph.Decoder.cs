using DistillOnnx.Checkpoints;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>The decoder, with and without the keys and values of earlier steps.</summary>
internal sealed partial class T5Graph
{
    /// <summary>The name of the encoder's length in decoders.</summary>
    public const string EncoderLength = "encoder_sequence_length";

    /// <summary>Keys and values of one block, [B, H, T, d_kv] each.</summary>
    internal readonly record struct Cache(Value SelfKey, Value SelfValue, Value CrossKey, Value CrossValue);

    private static Cache NoCache => new(Value.None, Value.None, Value.None, Value.None);

    /// <summary>Decodes a whole prefix: ids [B, T], encoder output [B, S, d_model] and its mask [B, S] to logits [B, T, vocab_size].</summary>
    public (Value Logits, Cache[] Present) Decode(Value inputIds, Value encoderStates, Value encoderMask, Dim length)
    {
        var none = new Cache[Config.NumDecoderLayers];
        Array.Fill(none, NoCache);
        return Decode(inputIds, encoderStates, encoderMask, none, graph.Scalar(0L), length);
    }

    /// <summary>Decodes further ids, given the cache of those before; the cache of the encoder's output is taken as it is.</summary>
    public (Value Logits, Cache[] Present) DecodeWithPast(Value inputIds, Value encoderMask, Cache[] past, Dim length) =>
        Decode(inputIds, Value.None, encoderMask, past, graph.Size(past[0].SelfKey, 2), length);

    private (Value Logits, Cache[] Present) Decode(
        Value inputIds, Value encoderStates, Value encoderMask, Cache[] past, Value firstQuery, Dim length)
    {
        using var scope = graph.Scope("decoder");
        var x = EmbedDecoded(inputIds);
        var keys = graph.Add(firstQuery, graph.Size(inputIds, 1));
        var distances = DistanceRows(decoder: true, firstQuery, keys);
        var positionBias = ByBlock(block => PositionBias(decoder: true, block, distances));
        var paddingBias = PaddingBias(encoderMask);
        var present = new Cache[Config.NumDecoderLayers];

        var normed = Norm(x, T5TensorNames.Norm(true, 0, 0));
        for (var block = 0; block < Config.NumDecoderLayers; block++)
        {
            using var blockScope = graph.Scope($"block.{block}");
            var (attended, selfKey, selfValue) = CachedSelfAttention(normed, block, past[block], positionBias(block), length);
            (x, normed) = AddNorm(x, attended, T5TensorNames.Norm(true, block, 1), length);
            var (crossed, crossKey, crossValue) = CrossAttention(normed, block, encoderStates, past[block], paddingBias, length, EncoderLength);
            (x, normed) = AddNorm(x, crossed, T5TensorNames.Norm(true, block, 2), length);
            var fed = FeedForward(normed, decoder: true, block, length);
            var next = block + 1 < Config.NumDecoderLayers ? T5TensorNames.Norm(true, block + 1, 0) : T5TensorNames.FinalNorm(true);
            (x, normed) = AddNorm(x, fed, next, length);
            present[block] = new Cache(selfKey, selfValue, crossKey, crossValue);
        }

        return (Logits(normed, length), present);
    }

    private (Value Result, Value Key, Value Value) CachedSelfAttention(Value x, int block, Cache past, Value bias, Dim length)
    {
        WeightMatrix Matrix(string name) => weights.Projection(T5TensorNames.SelfAttention(true, block, name));
        using var scope = graph.Scope("self_attention");
        var q = SplitHeads(Linear(x, Matrix("q"), length));
        var k = SplitHeads(Linear(x, Matrix("k"), length));
        var v = SplitHeads(Linear(x, Matrix("v"), length));
        if (past.SelfKey != Value.None)
        {
            k = graph.Concat(2, past.SelfKey, k);
            v = graph.Concat(2, past.SelfValue, v);
        }

        return (Linear(JoinHeads(Attend(q, k, v, bias)), Matrix("o"), length), k, v);
    }

    private (Value Result, Value Key, Value Value) CrossAttention(Value x, int block, Value encoderStates, Cache past, Value paddingBias, Dim length, Dim states)
    {
        WeightMatrix Matrix(string name) => weights.Projection(T5TensorNames.CrossAttention(block, name));
        using var scope = graph.Scope("cross_attention");
        var q = SplitHeads(Linear(x, Matrix("q"), length));
        var known = past.CrossKey != Value.None;
        var k = known ? past.CrossKey : SplitHeads(Linear(encoderStates, Matrix("k"), states));
        var v = known ? past.CrossValue : SplitHeads(Linear(encoderStates, Matrix("v"), states));
        return (Linear(JoinHeads(Attend(q, k, v, paddingBias)), Matrix("o"), length), k, v);
    }
}
