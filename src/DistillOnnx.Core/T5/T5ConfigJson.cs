using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DistillOnnx.Core.T5;

/// <summary>
/// Hugging Face's spelling of a T5 configuration. Old files lack keys that newer ones have; the defaults here are those
/// that the reference gives the missing keys, so that a file means the same in both.
/// </summary>
internal static class T5ConfigJson
{
    public static T5Config Parse(ReadOnlySpan<byte> json, string source) => Parse(ParseObject(json, source), source);

    public static T5Config Parse(JsonObject root, string source)
    {
        var faults = new List<string>();
        T? Read<T>(string name)
        {
            if (root[name] is not { } node) return default;
            if (node is JsonValue value && value.TryGetValue<T>(out var result)) return result;
            var expected = typeof(T) == typeof(string) ? "a string" : typeof(T) == typeof(bool?) ? "true or false" : "a number that fits";
            faults.Add($"\"{name}\" must be {expected}, found {InputText.Show(node.ToJsonString())}");
            return default;
        }

        (int First, T5EndTokens Others) End()
        {
            if (root["eos_token_id"] is not { } node) return (1, T5EndTokens.None);
            if (T5TokenIds.Of(node) is { } ids) return T5EndTokens.Of(ids);
            faults.Add($"\"eos_token_id\" must be a token's number or a list of them, found {InputText.Show(node.ToJsonString())}");
            return (1, T5EndTokens.None);
        }

        int Required(string name)
        {
            var value = Read<int?>(name);
            if (root[name] is null) faults.Add($"\"{name}\" is {(root.ContainsKey(name) ? "null, expected a number" : "missing")}");
            return value ?? 1;
        }

        var modelType = Read<string>("model_type") ?? "t5";
        var given = Read<string>("feed_forward_proj");
        var projection = given ?? (modelType is "mt5" or "umt5" ? "gated-gelu" : "relu");
        var (activation, gated) = ReadFeedForward(
            projection, given is not null, Read<string>("dense_act_fn"), Read<bool?>("is_gated_act"), faults);
        var layers = Required("num_layers");
        var (end, otherEnds) = End();
        var config = new T5Config
        {
            ModelType = modelType,
            VocabSize = Required("vocab_size"),
            DModel = Required("d_model"),
            DKv = Required("d_kv"),
            DFf = Required("d_ff"),
            NumLayers = layers,
            NumDecoderLayers = Read<int?>("num_decoder_layers") ?? layers,
            NumHeads = Required("num_heads"),
            RelativeAttentionNumBuckets = Read<int?>("relative_attention_num_buckets") ?? 32,
            RelativeAttentionMaxDistance = Read<int?>("relative_attention_max_distance") ?? 128,
            DropoutRate = Read<float?>("dropout_rate") ?? 0.1f,
            LayerNormEpsilon = Read<float?>("layer_norm_epsilon") ?? 1e-6f,
            InitializerFactor = Read<float?>("initializer_factor") ?? 1f,
            Activation = activation,
            IsGated = gated,
            PadTokenId = Read<int?>("pad_token_id") ?? 0,
            EosTokenId = end,
            OtherEndTokens = otherEnds,
            DecoderStartTokenId = Read<int?>("decoder_start_token_id") ?? Read<int?>("pad_token_id") ?? 0,
        };
        var head = new T5HeadKeys(modelType, Read<bool?>("tie_word_embeddings"), Read<bool?>("scale_decoder_outputs"), MajorVersion(root));
        config = config.WithHead(head.SaysTied, head.IsScaled(head.SaysTied));
        if (faults.Count == 0) faults.AddRange(config.Validate());
        if (faults.Count > 0) throw new InputException($"{source}: {string.Join("; ", faults)}");
        return config;
    }

    /// <summary>
    /// The keys that say how the output projection is used, of a configuration that <see cref="Parse(JsonObject, string)"/> has accepted.
    /// </summary>
    public static T5HeadKeys HeadKeys(JsonObject root) =>
        new(
            (string?)root["model_type"] ?? "t5", (bool?)root["tie_word_embeddings"], (bool?)root["scale_decoder_outputs"],
            MajorVersion(root));

    /// <summary>Reads a JSON object in which no key stands twice.</summary>
    /// <exception cref="InputException">The text is anything else.</exception>
    public static JsonObject ParseObject(ReadOnlySpan<byte> json, string source)
    {
        try
        {
            if (json.StartsWith("\uFEFF"u8)) json = json[3..];
            var reader = new Utf8JsonReader(
                json, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var root = JsonNode.Parse(ref reader) as JsonObject ?? throw new InputException($"{source}: expected a JSON object");
            // The reader throws where text follows; the tree is read lazily, and a key that stands twice or a text that is not
            // Unicode shows only when it is.
            _ = reader.Read();
            ReadAll(root);
            return root;
        }
        catch (ArgumentException e) when (TwiceIn(e) is { } twice)
        {
            throw new InputException($"{source}: the key \"{InputText.Show(twice)}\" stands twice", e);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new InputException($"{source}: not the JSON of a configuration: {InputText.Show(e.Message)}", e);
        }
    }

    // The tree's own message for a key that stands twice is a dictionary's: "... Key: NAME (Parameter 'key')".
    private static string? TwiceIn(ArgumentException e)
    {
        const string before = "Key: ", after = " (Parameter";
        var start = e.Message.IndexOf(before, StringComparison.Ordinal);
        var end = e.Message.LastIndexOf(after, StringComparison.Ordinal);
        return start >= 0 && end > start + before.Length ? e.Message[(start + before.Length)..end] : null;
    }

    private static void ReadAll(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (_, member) in members) ReadAll(member);
                break;
            case JsonArray items:
                foreach (var item in items) ReadAll(item);
                break;
            case JsonValue value:
                _ = value.TryGetValue<string>(out _);
                break;
        }
    }

    public static JsonObject Write(T5Config config)
    {
        var name = Name(config.Activation);
        return new JsonObject
        {
            ["architectures"] = new JsonArray($"{config.ModelType.ToUpperInvariant()}ForConditionalGeneration"),
            ["d_ff"] = config.DFf,
            ["d_kv"] = config.DKv,
            ["d_model"] = config.DModel,
            ["decoder_start_token_id"] = config.DecoderStartTokenId,
            ["dense_act_fn"] = name,
            ["dropout_rate"] = Fraction(config.DropoutRate),
            ["eos_token_id"] = config.OtherEndTokens.ToJson(config.EosTokenId),
            // The reference reads "gated-gelu" as gated with gelu_new, for checkpoints older than the distinction.
            ["feed_forward_proj"] = config.IsGated ? "gated-" + (config.Activation == T5Activation.GeluNew ? "gelu" : name) : name,
            ["initializer_factor"] = Fraction(config.InitializerFactor),
            ["is_encoder_decoder"] = true,
            ["is_gated_act"] = config.IsGated,
            ["layer_norm_epsilon"] = Fraction(config.LayerNormEpsilon),
            ["model_type"] = config.ModelType,
            ["num_decoder_layers"] = config.NumDecoderLayers,
            ["num_heads"] = config.NumHeads,
            ["num_layers"] = config.NumLayers,
            ["pad_token_id"] = config.PadTokenId,
            ["relative_attention_max_distance"] = config.RelativeAttentionMaxDistance,
            ["relative_attention_num_buckets"] = config.RelativeAttentionNumBuckets,
            ["scale_decoder_outputs"] = config.ScaleDecoderOutputs,
            // transformers 4 has this key alone: it ties where it is true, and scales exactly then.
            ["tie_word_embeddings"] = config.TieWordEmbeddings && config.ScaleDecoderOutputs,
            ["use_cache"] = true,
            ["vocab_size"] = config.VocabSize,
        };
    }

    // Always with a point or an exponent: transformers 5 refuses a whole number where it expects a fraction.
    private static JsonNode Fraction(float value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return JsonNode.Parse(text.AsSpan().IndexOfAny(".eE") < 0 ? text + ".0" : text)!;
    }

    private static int? MajorVersion(JsonObject root) =>
        root["transformers_version"] is JsonValue value && value.TryGetValue<string>(out var text)
        && int.TryParse(text.Split('.')[0], CultureInfo.InvariantCulture, out var major) ? major : null;

    // Versions of the reference differ in which of these keys decides, so those that are there have to say the same. The one exception
    // is "gated-gelu" beside "gelu": "gated-gelu" alone means gelu_new, and nothing else says gated with the exact function.
    private static (T5Activation Activation, bool Gated) ReadFeedForward(
        string projection, bool isGiven, string? activation, bool? gated, List<string> faults)
    {
        var isGated = projection.StartsWith("gated-", StringComparison.Ordinal);
        var projected = Activation(projection == "gated-gelu" ? "gelu_new" : isGated ? projection["gated-".Length..] : projection);
        var spelled = activation is null ? projected : Activation(activation);
        var isExactGelu = projection == "gated-gelu" && spelled == T5Activation.Gelu;
        if (projected is null)
            faults.Add(
                "\"feed_forward_proj\" must be one of relu, gelu, gelu_new, silu, each with or without \"gated-\", found "
                    + $"\"{InputText.Show(projection)}\"");
        else if (spelled is null)
            faults.Add($"\"dense_act_fn\" must be one of relu, gelu, gelu_new, silu, found \"{InputText.Show(activation!)}\"");
        else if (isGiven && spelled != projected && !isExactGelu)
            faults.Add(
                $"\"dense_act_fn\" is \"{InputText.Show(activation!)}\", which contradicts \"feed_forward_proj\", \"{projection}\"");
        if (isGiven && gated is { } flag && flag != isGated)
            faults.Add(
                $"\"is_gated_act\" is {(flag ? "true" : "false")}, which contradicts \"feed_forward_proj\", "
                    + $"\"{InputText.Show(projection)}\"");
        return (spelled ?? default, gated ?? isGated);
    }

    private static T5Activation? Activation(string name)
    {
        foreach (var known in Enum.GetValues<T5Activation>())
        {
            if (name == Name(known) || (name == "swish" && known == T5Activation.Silu)) return known;
        }

        return null;
    }

    private static string Name(T5Activation activation) => activation switch
    {
        T5Activation.Relu => "relu",
        T5Activation.GeluNew => "gelu_new",
        T5Activation.Gelu => "gelu",
        _ => "silu",
    };
}
