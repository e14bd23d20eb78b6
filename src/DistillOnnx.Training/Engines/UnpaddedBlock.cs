using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Training.Engines;

/// <summary>The weights of one block, those that share an input joined.</summary>
internal sealed class UnpaddedBlock : IDisposable
{
    /// <param name="layout">Where the weights lie.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="index">Which block.</param>
    public UnpaddedBlock(FlatLayout layout, T5Config config, bool decoder, int index)
    {
        string Self(string p) => T5TensorNames.SelfAttention(decoder, index, p);
        SelfNorm = T5TensorNames.Norm(decoder, index, 0);
        SelfInput = layout.Projection(Self("q"), Self("k"), Self("v"));
        SelfOutput = layout.Projection(Self("o"));
        if (decoder)
        {
            string Cross(string p) => T5TensorNames.CrossAttention(index, p);
            CrossNorm = T5TensorNames.Norm(decoder, index, 1);
            CrossQuery = layout.Projection(Cross("q"));
            CrossKeyValue = layout.Projection(Cross("k"), Cross("v"));
            CrossOutput = layout.Projection(Cross("o"));
        }

        string Feed(string p) => T5TensorNames.FeedForward(decoder, index, p);
        FeedForwardNorm = T5TensorNames.Norm(decoder, index, decoder ? 2 : 1);
        Inner = config.IsGated ? layout.Projection(Feed("wi_0"), Feed("wi_1")) : layout.Projection(Feed("wi"));
        Outer = layout.Projection(Feed("wo"));
    }

    public string SelfNorm { get; }

    /// <summary>Queries, keys and values in one product: [3·heads·d_kv, d_model].</summary>
    public Projection SelfInput { get; }

    public Projection SelfOutput { get; }

    public string? CrossNorm { get; }

    public Projection? CrossQuery { get; }

    /// <summary>Keys and values in one product: [2·heads·d_kv, d_model].</summary>
    public Projection? CrossKeyValue { get; }

    public Projection? CrossOutput { get; }

    public string FeedForwardNorm { get; }

    /// <summary>[d_ff, d_model], or gated [2·d_ff, d_model].</summary>
    public Projection Inner { get; }

    public Projection Outer { get; }

    public void Dispose()
    {
        foreach (var projection in (Projection?[])[SelfInput, SelfOutput, CrossQuery, CrossKeyValue, CrossOutput, Inner, Outer])
            projection?.Dispose();
    }
}
