using DistillOnnx.Core.T5;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>The relative position bias (<c>relative_attention_bias</c>): a learnt number for each head and bucket of distances.</summary>
internal sealed class T5RelativePosition : nn.Module
{
    private readonly T5Config _config;
    private readonly bool _bidirectional;

    public T5RelativePosition(T5Config config, ParameterArena arena, bool bidirectional)
        : base(nameof(T5RelativePosition))
    {
        (_config, _bidirectional) = (config, bidirectional);
        Weight = arena.Take(config.RelativeAttentionNumBuckets, config.NumHeads);
        register_parameter("weight", Weight);
    }

    /// <summary>[buckets, heads].</summary>
    public Parameter Weight { get; }

    /// <summary>The bias of consecutive positions: [1, heads, queries, keys].</summary>
    /// <param name="queries">Number of queries.</param>
    /// <param name="keys">Number of keys, from position 0.</param>
    /// <param name="firstQuery">Position of the first query.</param>
    public Tensor Bias(int queries, int keys, int firstQuery = 0) =>
        Bias(RelativePosition.Buckets(queries, keys, _bidirectional, _config, firstQuery), 1, queries, keys);

    /// <summary>The bias of any positions, by their buckets: [B, heads, queries, keys].</summary>
    /// <param name="buckets">The bucket of each query and key: B·queries·keys values.</param>
    /// <param name="rows">B.</param>
    /// <param name="queries">Number of queries.</param>
    /// <param name="keys">Number of keys.</param>
    public Tensor Bias(int[] buckets, int rows, int queries, int keys)
    {
        using var scope = NewDisposeScope();
        return Weight.index_select(0, tensor(buckets, dtype: ScalarType.Int64, device: Weight.device)) // (B·Q·K, H)
            .view(rows, queries, keys, _config.NumHeads)
            .permute(0, 3, 1, 2)                                                                         // (B, H, Q, K)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The bucket of a distance.</summary>
    /// <param name="distance">Position of the key less position of the query.</param>
    public int Bucket(int distance) =>
        RelativePosition.Bucket(distance, _bidirectional, _config.RelativeAttentionNumBuckets, _config.RelativeAttentionMaxDistance);

    protected override void RegisterComponents()
    {
    }
}
