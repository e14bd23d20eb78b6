using System.Text.Encodings.Web;
using System.Text.Json;

namespace DistillOnnx.Core.Tokenization;

/// <summary>
/// The files beside <c>spiece.model</c> that Hugging Face's T5 tokenizers read. <c>tokenizer.json</c> says the same as the
/// model for runtimes that read only that: the Unigram vocabulary with its scores, the normalisation rules, the space mark
/// and the closing end token.
/// </summary>
public static class TokenizerFiles
{
    /// <summary>The tokenizer files of a checkpoint or bundle, of which a directory has some or all.</summary>
    public static IReadOnlyList<string> Names { get; } = ["spiece.model", FastFile, ConfigFile, SpecialFile, "added_tokens.json"];

    private const string FastFile = "tokenizer.json";
    private const string ConfigFile = "tokenizer_config.json";
    private const string SpecialFile = "special_tokens_map.json";

    /// <summary>No tokenizer comes near this size; a larger file is not read into memory.</summary>
    private const long MaxModelBytes = 256L << 20;

    private static readonly JsonWriterOptions Layout = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a model file whose size is plausible.</summary>
    /// <param name="path">The file.</param>
    public static byte[] ReadBounded(string path)
    {
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxModelBytes) throw new InputException($"{path}: {length} bytes, expected a SentencePiece model of at most {MaxModelBytes}");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>What <c>tokenizer_config.json</c> says about the number of sentinels; null where it says nothing.</summary>
    /// <param name="directory">The checkpoint's directory.</param>
    public static int? ReadExtraIds(string directory)
    {
        var path = Path.Combine(directory, ConfigFile);
        if (!File.Exists(path)) return null;
        try
        {
            using var config = JsonDocument.Parse(ReadBounded(path));
            if (config.RootElement.ValueKind != JsonValueKind.Object) throw new InputException($"{path}: expected a JSON object, found {config.RootElement.ValueKind}");
            if (!config.RootElement.TryGetProperty("extra_ids", out var count) || count.ValueKind == JsonValueKind.Null) return null;
            if (count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var value)) return value;
            throw new InputException($"{path}: \"extra_ids\" is {count.GetRawText()}, expected a whole number");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: not JSON: {e.Message}", e);
        }
    }

    /// <summary>Writes all four files.</summary>
    /// <param name="tokenizer">What to write.</param>
    /// <param name="directory">An existing directory.</param>
    public static void Write(T5Tokenizer tokenizer, string directory)
    {
        File.WriteAllBytes(Path.Combine(directory, T5Tokenizer.ModelFileName), tokenizer.ModelBytes.Span);
        WriteJson(Path.Combine(directory, FastFile), tokenizer, WriteFast);
        WriteJson(Path.Combine(directory, ConfigFile), tokenizer, WriteConfig);
        WriteJson(Path.Combine(directory, SpecialFile), tokenizer, WriteSpecial);
    }

    private static void WriteJson(string path, T5Tokenizer tokenizer, Action<T5Tokenizer, Utf8JsonWriter> write)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Layout);
        json.WriteStartObject();
        write(tokenizer, json);
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }

    private static void WriteFast(T5Tokenizer tokenizer, Utf8JsonWriter json)
    {
        var model = tokenizer.Model;
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var (id, content) in Added(tokenizer))
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            WriteAddedToken(json, content);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WritePropertyName("normalizer");
        if (model.PrecompiledCharsMap.IsEmpty)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteStartObject();
            json.WriteString("type", "Precompiled");
            json.WriteBase64String("precompiled_charsmap", model.PrecompiledCharsMap.Span);
            json.WriteEndObject();
        }

        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "WhitespaceSplit");
        json.WriteEndObject();
        json.WriteStartObject();
        WriteMetaspace(json);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        WriteTemplate(tokenizer, json);
        json.WriteStartObject("decoder");
        WriteMetaspace(json);
        json.WriteEndObject();
        json.WriteStartObject("model");
        json.WriteString("type", "Unigram");
        json.WriteNumber("unk_id", tokenizer.UnkId);
        json.WriteStartArray("vocab");
        foreach (var piece in model.Pieces) WriteEntry(json, piece.Text, piece.Score);
        for (var k = tokenizer.ExtraIds - 1; k >= 0; k--) WriteEntry(json, T5Tokenizer.SentinelName(k), 0);
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", model.ByteFallback);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, string piece, double score)
    {
        json.WriteStartArray();
        json.WriteStringValue(piece);
        // As double: the float's shortest decimal would read back as another double than SentencePiece's score.
        json.WriteNumberValue(score);
        json.WriteEndArray();
    }

    private static void WriteMetaspace(Utf8JsonWriter json)
    {
        json.WriteString("type", "Metaspace");
        json.WriteString("replacement", "\u2581");
        json.WriteBoolean("add_prefix_space", true);
        json.WriteString("prepend_scheme", "always");
    }

    private static void WriteTemplate(T5Tokenizer tokenizer, Utf8JsonWriter json)
    {
        var eos = tokenizer.Model.EosPiece;
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        WriteParts("single", ["A"]);
        WriteParts("pair", ["A", "B"]);
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(eos);
        json.WriteString("id", eos);
        json.WriteStartArray("ids");
        json.WriteNumberValue(tokenizer.EosId);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(eos);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();

        void WriteParts(string name, string[] sequences)
        {
            json.WriteStartArray(name);
            foreach (var sequence in sequences)
            {
                WritePart("Sequence", sequence);
                WritePart("SpecialToken", eos);
            }

            json.WriteEndArray();
        }

        void WritePart(string kind, string id)
        {
            json.WriteStartObject();
            json.WriteStartObject(kind);
            json.WriteString("id", id);
            json.WriteNumber("type_id", 0);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private static void WriteConfig(T5Tokenizer tokenizer, Utf8JsonWriter json)
    {
        json.WriteStartObject("added_tokens_decoder");
        foreach (var (id, content) in Added(tokenizer))
        {
            json.WriteStartObject(id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            WriteAddedToken(json, content);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        WriteSentinels(tokenizer, json);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteString("eos_token", tokenizer.Model.EosPiece);
        json.WriteNumber("extra_ids", tokenizer.ExtraIds);
        // "legacy" tokenizes what follows a special token as if it began the text, which is how segments are encoded here.
        json.WriteBoolean("legacy", true);
        json.WriteNumber("model_max_length", 512);
        json.WriteString("pad_token", tokenizer.Model.PadPiece);
        json.WriteString("tokenizer_class", "T5Tokenizer");
        json.WriteString("unk_token", tokenizer.Model.Pieces[tokenizer.UnkId].Text);
    }

    private static void WriteSpecial(T5Tokenizer tokenizer, Utf8JsonWriter json)
    {
        WriteSentinels(tokenizer, json);
        json.WriteString("eos_token", tokenizer.Model.EosPiece);
        json.WriteString("pad_token", tokenizer.Model.PadPiece);
        json.WriteString("unk_token", tokenizer.Model.Pieces[tokenizer.UnkId].Text);
    }

    private static void WriteSentinels(T5Tokenizer tokenizer, Utf8JsonWriter json)
    {
        json.WriteStartArray("additional_special_tokens");
        for (var k = 0; k < tokenizer.ExtraIds; k++) json.WriteStringValue(T5Tokenizer.SentinelName(k));
        json.WriteEndArray();
    }

    /// <summary>The tokens that are not text, in the order of their ids.</summary>
    private static IEnumerable<(int Id, string Content)> Added(T5Tokenizer tokenizer)
    {
        foreach (var id in new[] { tokenizer.PadId, tokenizer.EosId, tokenizer.UnkId }.Order())
            yield return (id, tokenizer.Model.Pieces[id].Text);
        for (var k = tokenizer.ExtraIds - 1; k >= 0; k--) yield return (tokenizer.SentinelId(k), T5Tokenizer.SentinelName(k));
    }

    private static void WriteAddedToken(Utf8JsonWriter json, string content)
    {
        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
    }
}
