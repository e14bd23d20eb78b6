using DistillOnnx.Core.T5;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// Attention over several heads, unscaled as in T5, whose initial weights make up for it. One that owns a relative position bias
/// registers it, since its weight is named as a part of the attention.
/// </summary>
internal sealed class T5Attention : nn.Module
{
    private readonly T5Config _config;
    private readonly T5Linear _q;
    private readonly T5Linear _k;
    private readonly T5Linear _v;
    private readonly T5Linear _o;

    public T5Attention(T5Config config, ParameterArena arena, bool bidirectional, bool ownsRelativePosition)
        : base(nameof(T5Attention))
    {
        _config = config;
        register_module("q", _q = new T5Linear(arena.Take(config.InnerDim, config.DModel)));
        register_module("k", _k = new T5Linear(arena.Take(config.InnerDim, config.DModel)));
        register_module("v", _v = new T5Linear(arena.Take(config.InnerDim, config.DModel)));
        register_module("o", _o = new T5Linear(arena.Take(config.DModel, config.InnerDim)));
        if (!ownsRelativePosition) return;
        RelativePosition = new T5RelativePosition(config, arena, bidirectional);
        register_module("relative_attention_bias", RelativePosition);
    }

    /// <summary>In the block that owns one, otherwise null.</summary>
    public T5RelativePosition? RelativePosition { get; }

    /// <summary>Keys or values in heads.</summary>
    /// <param name="states">[B, K, d_model].</param>
    /// <returns>Both [B, heads, K, d_kv].</returns>
    public (Tensor Key, Tensor Value) KeysAndValues(Tensor states) => (Split(_k.Forward(states)), Split(_v.Forward(states)));

    /// <summary>Attends.</summary>
    /// <param name="x">Queries come from here: [B, Q, d_model].</param>
    /// <param name="key">[B, heads, K, d_kv].</param>
    /// <param name="value">[B, heads, K, d_kv].</param>
    /// <param name="bias">Added to the scores, mask included: broadcasts to [B, heads, Q, K].</param>
    /// <returns>[B, Q, d_model].</returns>
    public Tensor Forward(Tensor x, Tensor key, Tensor value, Tensor bias)
    {
        using var scope = NewDisposeScope();

        // libtorch's attention divides scores by √d_kv, which T5 does not.
        var query = Split(_q.Forward(x)).Times(Math.Sqrt(_config.DKv));
        var mixed = nn.functional.scaled_dot_product_attention(query, key, value, bias, training ? _config.DropoutRate : 0) // (B, H, Q, d)
            .transpose(1, 2).contiguous().view(x.shape[0], -1, _config.InnerDim);
        return _o.Forward(mixed).MoveToOuterDisposeScope();
    }

    /// <summary>[B, S, heads·d_kv] → [B, heads, S, d_kv].</summary>
    private Tensor Split(Tensor x) => x.view(x.shape[0], -1, _config.NumHeads, _config.DKv).transpose(1, 2);

    protected override void RegisterComponents()
    {
    }
}
