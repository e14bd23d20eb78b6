using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DistillOnnx.Core.T5;

/// <summary>
/// What becomes of every key of <c>config.json</c> and <c>generation_config.json</c>. A key is read (<see cref="T5ConfigJson"/>), or
/// is known to change nothing, or would make another model and is refused, or asks for a decoding that is not done here and is
/// named, or is unknown and is named.
/// </summary>
internal static class T5ConfigKeys
{
    private static readonly FrozenSet<string> Read = Set(
        "model_type vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads relative_attention_num_buckets "
        + "relative_attention_max_distance dropout_rate layer_norm_epsilon initializer_factor feed_forward_proj dense_act_fn is_gated_act "
        + "tie_word_embeddings scale_decoder_outputs pad_token_id eos_token_id decoder_start_token_id transformers_version");

    // They concern training by other programs, files, reports, or heads that a sequence-to-sequence model lacks.
    private static readonly FrozenSet<string> Harmless = Set(
        "n_positions output_past use_cache task_specific_params bos_token_id sep_token_id cls_token_id mask_token_id unk_token_id "
        + "classifier_dropout tokenizer_class processor_class gradient_checkpointing use_reentrant _name_or_path name_or_path _commit_hash "
        + "return_dict return_dict_in_generate output_hidden_states output_attentions output_scores output_logits problem_type id2label "
        + "label2id "
        + "num_labels finetuning_task prefix torchscript torch_dtype dtype use_bfloat16 chunk_size_feed_forward tf_legacy_loss "
        + "scalable_attention attn_implementation _attn_implementation _attn_implementation_autoset _attn_implementation_internal "
        + "_from_model_config add_cross_attention cross_attention_hidden_size remove_invalid_values transformers.js_config adapters "
        + "temperature top_k top_p typical_p epsilon_cutoff eta_cutoff min_p top_h renormalize_logits num_return_sequences low_memory "
        + "cache_implementation cache_config return_legacy_cache use_model_defaults is_assistant disable_compile compile_config "
        + "num_assistant_tokens num_assistant_tokens_schedule assistant_confidence_threshold prompt_lookup_num_tokens "
        + "max_matching_ngram_size assistant_early_exit assistant_lookbehind target_lookbehind generation_kwargs token_healing max_time "
        + "prefill_chunk_size dola_layers forced_eos_token_id length_penalty early_stopping diversity_penalty "
        + "architectures is_encoder_decoder is_decoder");

    // Other names that the reference has for keys.
    private static readonly (string Alias, string Key)[] Aliases =
        [("hidden_size", "d_model"), ("num_attention_heads", "num_heads"), ("num_hidden_layers", "num_layers"), ("head_dim", "d_kv")];

    // Each with the values that leave the model as it is; null and absence always do.
    private static readonly (string Key, string[] Neutral, string Why)[] Refused =
    [
        ("is_encoder_decoder", ["true"], "an encoder or a decoder alone is another model"),
        ("is_decoder", ["false"], "an encoder or a decoder alone is another model"),
        ("tie_encoder_decoder", ["false"], "encoder and decoder have weights of their own here"),
        ("share_relative_attention_bias", ["true"], "the first block's bias is its whole stack's here"),
        ("pruned_heads", ["{}"], "pruned heads are not supported"),
        ("bad_words_ids", ["[]"], "answers are not constrained by it here"),
        ("force_words_ids", ["[]"], "answers are not constrained by it here"),
        ("constraints", ["[]"], "answers are not constrained by it here"),
        ("forced_bos_token_id", [], "no first token is forced here"),
        ("forced_decoder_ids", ["[]"], "no tokens are forced here"),
        ("suppress_tokens", ["[]"], "no tokens are suppressed here"),
        ("begin_suppress_tokens", ["[]"], "no tokens are suppressed here"),
        ("sequence_bias", ["[]", "{}"], "no tokens are preferred here"),
    ];

    private static readonly (string Key, string[] Neutral)[] Decoding =
    [
        ("num_beams", ["1"]),
        ("num_beam_groups", ["1"]),
        ("do_sample", ["false"]),
        ("penalty_alpha", ["0"]),
        ("repetition_penalty", ["1"]),
        ("encoder_repetition_penalty", ["1"]),
        ("no_repeat_ngram_size", ["0"]),
        ("encoder_no_repeat_ngram_size", ["0"]),
        ("exponential_decay_length_penalty", []),
        ("guidance_scale", ["1"]),
        ("watermarking_config", []),
        ("min_length", ["0"]),
        ("min_new_tokens", ["0"]),
        ("max_length", ["20"]),
        ("max_new_tokens", []),
        ("stop_strings", ["[]"]),
    ];

    private static readonly string[] OtherHeads =
        ["EncoderModel", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"];

    /// <summary>Goes through the keys of a file.</summary>
    /// <param name="root">The file's object.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="notes">Receives a line for each key that is not used and might be missed.</param>
    /// <exception cref="InputException">A key asks for a model that would answer otherwise than what is read here.</exception>
    public static void Review(JsonObject root, string source, ICollection<string> notes)
    {
        foreach (var (key, why) in Refused.Where(r => !IsNeutral(root[r.Key], r.Neutral)).Select(r => (r.Key, r.Why)))
            throw new InputException($"{source}: \"{key}\" is {Show(root[key])}, which is not supported: {why}");
        foreach (var (alias, key) in Aliases)
        {
            if (root[alias] is { } other && root[key] is { } own && !JsonNode.DeepEquals(other, own))
                throw new InputException($"{source}: \"{alias}\" is {Show(other)} and \"{key}\", its other name, {Show(own)}");
        }

        if (root["architectures"] is JsonArray architectures && architectures.Count == 1 && Text(architectures[0]) is { } architecture
            && OtherHeads.Any(h => architecture.EndsWith(h, StringComparison.Ordinal)))
            throw new InputException(
                $"{source}: \"architectures\" is {Show(architectures)}; expected a model that writes text, such as "
                    + "T5ForConditionalGeneration");
        foreach (var (key, _) in Decoding.Where(d => !IsNeutral(root[d.Key], d.Neutral)))
            notes.Add(
                $"{source}: \"{key}\" ({Show(root[key])}) is not applied; labels are scored and text is decoded greedily up to the "
                    + "stage's own limits, whatever it says");
        if (root["quantization_config"] is { } quantization)
            notes.Add(
                $"{source}: \"quantization_config\" ({Show(quantization)}) is not applied; the weights are used in the type that they are "
                    + "stored in");
        var unknown = root.Select(p => p.Key).Where(k => !IsKnown(k)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
            notes.Add(
                $"{source}: {(unknown.Count == 1 ? "a key is" : "keys are")} unknown here and not used: "
                    + $"{string.Join(", ", unknown.Take(8).Select(k => $"\"{InputText.Show(k)}\""))}"
                    + $"{(unknown.Count > 8 ? $" and {unknown.Count - 8} more" : "")}");
    }

    /// <summary>
    /// The configuration with the token ids that <c>generation_config.json</c> gives where <c>config.json</c> is silent.
    /// </summary>
    /// <exception cref="InputException">Both files give one and differ, or an id is none of the vocabulary's.</exception>
    public static T5Config WithGeneration(T5Config config, JsonObject root, JsonObject generation, string source)
    {
        int Take(string key, int known)
        {
            if (Ids(key) is not { } ids) return known;
            if (ids is not [var number]) throw new InputException($"{source}: \"{key}\" must be one token, found {Show(generation[key])}");
            if (number != known && root[key] is not null)
                throw new InputException($"{source}: \"{key}\" is {number}, but {known} in {T5Config.FileName}; expected the same in both");
            return number;
        }

        int[]? Ids(string key)
        {
            if (generation[key] is not { } node) return null;
            var ids = T5TokenIds.Of(node) ?? throw new InputException($"{source}: \"{key}\" must be a token's number, found {Show(node)}");
            foreach (var id in ids.Where(i => i < 0 || i >= config.VocabSize))
                throw new InputException($"{source}: \"{key}\" must be between 0 and {config.VocabSize - 1}, found {id}");
            return ids;
        }

        // Decoding ends where generation_config.json says; what ends it by config.json must be among it.
        var (end, others) = (config.EosTokenId, config.OtherEndTokens);
        if (Ids("eos_token_id") is { } ends)
        {
            int[] own = root["eos_token_id"] is null ? [] : [end, .. others.Tokens];
            foreach (var missing in own.Where(o => !ends.Contains(o)))
            {
                var found = Show(generation["eos_token_id"]);
                throw new InputException($"{source}: \"eos_token_id\" is {found}, without {missing} of {T5Config.FileName}");
            }

            (end, others) = T5EndTokens.Of([.. own.Take(1), .. ends.Except(own.Take(1))]);
        }

        return config with
        {
            PadTokenId = Take("pad_token_id", config.PadTokenId),
            EosTokenId = end,
            OtherEndTokens = others,
            DecoderStartTokenId = Take("decoder_start_token_id", config.DecoderStartTokenId),
        };
    }

    private static bool IsKnown(string key) =>
        key == "quantization_config" || Read.Contains(key) || Harmless.Contains(key) || Refused.Any(r => r.Key == key)
            || Decoding.Any(d => d.Key == key) || Aliases.Any(a => a.Alias == key);

    private static bool IsNeutral(JsonNode? node, string[] neutral)
    {
        if (node is null) return true;
        var text = node.ToJsonString();
        if (neutral.Contains(text, StringComparer.Ordinal)) return true;
        return node.GetValueKind() == JsonValueKind.Number && double.TryParse(text, CultureInfo.InvariantCulture, out var number)
            && neutral.Any(n => double.TryParse(n, CultureInfo.InvariantCulture, out var other) && number == other);
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static string Show(JsonNode? node) => InputText.Show(node?.ToJsonString() ?? "null");

    private static FrozenSet<string> Set(string names) => names.Split(' ').ToFrozenSet(StringComparer.Ordinal);
}
