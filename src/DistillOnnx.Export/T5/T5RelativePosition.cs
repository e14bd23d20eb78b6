using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// The relative position bias (<c>relative_attention_bias</c>): a learnt number for each head and bucket of distances. A bias
/// depends on the distance alone, so a graph has a table with one row per distance, worked out from the buckets at export.
/// </summary>
/// <param name="t5">What all parts share.</param>
/// <param name="isDecoder">Of the decoder, whose bias also hides later positions, or of the encoder.</param>
/// <param name="block">The block that owns it.</param>
internal sealed class T5RelativePosition(T5Context t5, bool isDecoder, int block)
{
    private T5Config Config => t5.Config;

    // The decoder hides all later positions in the same way: one row is enough for them.
    private int FarthestAhead => isDecoder ? 1 : Config.RelativeAttentionMaxDistance;

    /// <summary>[buckets, heads].</summary>
    public WeightMatrix Weight { get; } = t5.Weights.Stored(T5TensorNames.RelativeBias(isDecoder, block));

    /// <summary>The bias of consecutive positions: [1, heads, queries, keys].</summary>
    /// <param name="rows">The table's rows, from <see cref="Rows(Value, Value)"/>.</param>
    public Value Bias(Value rows)
    {
        // Rows of all heads are looked up and transposed afterwards: several times as fast as single values.
        using var scope = t5.Graph.Scope("position_bias");
        return t5.Graph.Unsqueeze(t5.Graph.Transpose(t5.Graph.Gather(Table(), rows), 2, 0, 1), 0);
    }

    /// <summary>The bias of any positions: [B, heads, queries, keys].</summary>
    /// <param name="rows">The table's rows [B, queries, keys], from <see cref="Rows(Value)"/>.</param>
    public Value BatchBias(Value rows) => t5.Graph.Transpose(t5.Graph.Gather(Table(), rows), 0, 3, 1, 2);

    /// <summary>The table's row of each distance of consecutive positions: [queries, keys].</summary>
    /// <param name="firstQuery">Position of the first query, a scalar.</param>
    /// <param name="keys">Number of keys, a scalar; queries end where keys do.</param>
    public Value Rows(Value firstQuery, Value keys)
    {
        var graph = t5.Graph;
        using var scope = graph.Scope("position_bias");
        var queryPositions = graph.Unsqueeze(graph.Range(firstQuery, keys), 1);
        var keyPositions = graph.Range(graph.Scalar(0L), keys);
        return Rows(graph.Sub(keyPositions, queryPositions));
    }

    /// <summary>The table's row of each distance: position of the key less position of the query.</summary>
    public Value Rows(Value distances)
    {
        var graph = t5.Graph;
        long farthest = Config.RelativeAttentionMaxDistance;
        var clipped = graph.Node("Clip", [distances, graph.Scalar(-farthest), graph.Scalar((long)FarthestAhead)]);
        return graph.Add(clipped, graph.Scalar(farthest));
    }

    /// <summary>The bucket of a distance.</summary>
    /// <param name="distance">Position of the key less position of the query.</param>
    public int Bucket(int distance) =>
        RelativePosition.Bucket(distance, !isDecoder, Config.RelativeAttentionNumBuckets, Config.RelativeAttentionMaxDistance);

    /// <summary>The bias by distance, [distances, heads].</summary>
    private Value Table()
    {
        var (farthest, heads) = (Config.RelativeAttentionMaxDistance, Config.NumHeads);
        var rows = farthest + FarthestAhead + 1;
        return t5.Weight(new WeightMatrix(Weight.Name + ".by_distance", [rows, heads], () =>
        {
            var bias = Weight.Read();
            var table = new float[rows * heads];
            for (var row = 0; row < rows; row++)
            {
                var distance = row - farthest;
                var bucket = Bucket(distance);
                for (var head = 0; head < heads; head++)
                    table[(row * heads) + head] = isDecoder && distance > 0 ? T5Model.MaskedScore : bias[(bucket * heads) + head];
            }

            return table;
        }));
    }
}
