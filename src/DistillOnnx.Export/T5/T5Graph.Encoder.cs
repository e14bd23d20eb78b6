using DistillOnnx.Checkpoints;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>The encoder.</summary>
internal sealed partial class T5Graph
{
    /// <summary>Token ids and padding mask [B, S] to the encoder's output [B, S, d_model].</summary>
    public Value Encode(Value inputIds, Value attentionMask, Dim length)
    {
        using var scope = graph.Scope("encoder");
        var x = Embed(inputIds);
        var distances = DistanceRows(decoder: false, graph.Scalar(0L), graph.Size(inputIds, 1));
        var padding = form.Portable ? PaddingBias(attentionMask) : graph.Cast(attentionMask, ElementType.Int32);
        var bias = ByBlock(block =>
        {
            var position = PositionBias(decoder: false, block, distances);
            return form.Portable ? graph.Add(position, padding) : position;
        });

        var normed = Norm(x, T5TensorNames.Norm(false, 0, 0));
        for (var block = 0; block < Config.NumLayers; block++)
        {
            using var blockScope = graph.Scope($"block.{block}");
            var attended = SelfAttention(normed, block, bias(block), padding, length);
            (x, normed) = AddNorm(x, attended, T5TensorNames.Norm(false, block, 1), length);
            var fed = FeedForward(normed, decoder: false, block, length);
            var next = block + 1 < Config.NumLayers ? T5TensorNames.Norm(false, block + 1, 0) : T5TensorNames.FinalNorm(false);
            (x, normed) = AddNorm(x, fed, next, length);
        }

        return normed;
    }
}
