namespace DistillOnnx.Checkpoints;

/// <summary>Hugging Face's names of the weights of a T5. Both ways of writing the model, modules and graphs, take them from here.</summary>
public static class T5TensorNames
{
    /// <summary>The embedding [vocab_size, d_model], of encoder and decoder alike.</summary>
    public const string Shared = "shared.weight";

    /// <summary>The output projection [vocab_size, d_model]; absent where it is tied to the embedding.</summary>
    public const string LmHead = "lm_head.weight";

    /// <summary>The embedding's name for the encoder in files that store it there as well.</summary>
    public const string EncoderEmbedding = "encoder.embed_tokens.weight";

    /// <summary>The embedding's name for the decoder in files that store it there as well.</summary>
    public const string DecoderEmbedding = "decoder.embed_tokens.weight";

    /// <summary>In files of the first T5 only: a bias that the model never had a use for.</summary>
    public const string UnusedCrossAttentionBias = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";

    /// <summary><c>encoder</c> or <c>decoder</c>.</summary>
    /// <param name="decoder">Which.</param>
    public static string Stack(bool decoder) => decoder ? "decoder" : "encoder";

    /// <summary>The scale [d_model] of the norm after the last block.</summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    public static string FinalNorm(bool decoder) => $"{Stack(decoder)}.final_layer_norm.weight";

    /// <summary>The scale [d_model] of the norm before a layer.</summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="block">The block.</param>
    /// <param name="layer">The layer within the block.</param>
    public static string Norm(bool decoder, int block, int layer) => $"{Stack(decoder)}.block.{block}.layer.{layer}.layer_norm.weight";

    /// <summary>A projection of self-attention, layer 0 of a block: q, k and v [heads·d_kv, d_model], o [d_model, heads·d_kv].</summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="block">The block.</param>
    /// <param name="projection"><c>q</c>, <c>k</c>, <c>v</c> or <c>o</c>.</param>
    public static string SelfAttention(bool decoder, int block, string projection) =>
        $"{Stack(decoder)}.block.{block}.layer.0.SelfAttention.{projection}.weight";

    /// <summary>The relative position bias [buckets, heads]. Except in umT5 only block 0 has one, for its whole stack.</summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="block">The block.</param>
    public static string RelativeBias(bool decoder, int block = 0) =>
        $"{Stack(decoder)}.block.{block}.layer.0.SelfAttention.relative_attention_bias.weight";

    /// <summary>A projection of the decoder's cross-attention, layer 1 of its blocks; shapes as in <see cref="SelfAttention"/>.</summary>
    /// <param name="block">The block.</param>
    /// <param name="projection"><c>q</c>, <c>k</c>, <c>v</c> or <c>o</c>.</param>
    public static string CrossAttention(int block, string projection) =>
        $"decoder.block.{block}.layer.1.EncDecAttention.{projection}.weight";

    /// <summary>
    /// A projection of the feed-forward layer, the last of a block: wi, wi_0 and wi_1 [d_ff, d_model], wo [d_model, d_ff].
    /// </summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="block">The block.</param>
    /// <param name="projection"><c>wi</c>, or <c>wi_0</c> and <c>wi_1</c> where it is gated; <c>wo</c>.</param>
    public static string FeedForward(bool decoder, int block, string projection) =>
        $"{Stack(decoder)}.block.{block}.layer.{(decoder ? 2 : 1)}.DenseReluDense.{projection}.weight";
}
