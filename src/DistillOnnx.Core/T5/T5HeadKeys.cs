namespace DistillOnnx.Core.T5;

/// <summary>
/// The keys of a <c>config.json</c> that say how the decoder's output becomes logits, and what they mean together with the
/// tensors that the file holds. Two questions are answered apart:
/// <para>
/// <b>Which matrix?</b> The file decides: its <c>lm_head.weight</c> where that differs from the embedding, the embedding where
/// <c>lm_head.weight</c> is absent or equal to it. transformers 5 loads it so; it writes <c>tie_word_embeddings: true</c> into every
/// T5's configuration, whatever head the model has. transformers 4 goes by <c>tie_word_embeddings</c>, which in the files that it
/// writes itself agrees with the tensors.
/// </para>
/// <para>
/// <b>Scaled by d_model^−0.5?</b>
/// <code>
/// scale_decoder_outputs   model_type   tie_word_embeddings   head    scaled
/// there                   any          any                   any     what it says         transformers 5
/// absent                  t5           true                  any     yes                  transformers 4 and 5
/// absent                  t5           false                 any     no                   transformers 4 and 5
/// absent                  mt5          true                  tied    yes, before 5        transformers 4; 5 never scales an mT5
/// absent                  mt5          true                  own     no                   as transformers 5 saves an mT5
/// absent                  umt5         true                  tied    yes                  transformers 4 and 5
/// absent                  umt5         true                  own     yes, from 5          transformers 5 scales every umT5
/// absent                  mt5, umt5    false                 any     no                   transformers 4
/// </code>
/// An absent <c>tie_word_embeddings</c> is true, but false for <c>mt5</c>: transformers 4 has these defaults.
/// </para>
/// </summary>
/// <param name="ModelType">The key <c>model_type</c>.</param>
/// <param name="Tie">The key <c>tie_word_embeddings</c>; null: absent.</param>
/// <param name="Scale">The key <c>scale_decoder_outputs</c>; null: absent.</param>
/// <param name="Transformers">First number of <c>transformers_version</c>; null: absent.</param>
internal readonly record struct T5HeadKeys(string ModelType, bool? Tie, bool? Scale, int? Transformers)
{
    /// <summary>Whether the configuration alone says that lm_head is the embedding.</summary>
    public bool SaysTied => Tie ?? ModelType != "mt5";

    /// <summary>Whether the decoder's output is scaled.</summary>
    /// <param name="tied">Whether the head is the embedding, by the tensors.</param>
    public bool IsScaled(bool tied)
    {
        if (Scale is { } said) return said;
        return ModelType switch
        {
            "mt5" => SaysTied && tied && Transformers is not >= 5,
            "umt5" => SaysTied && (tied || Transformers is >= 5),
            _ => Tie ?? true,
        };
    }
}
