using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>Writes a tokenizer's files as Hugging Face's T5 tokenizers read them.</summary>
internal static class TokenizerWriter
{
    private static readonly JsonWriterOptions Layout = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes all files that the tokenizer has.</summary>
    /// <param name="parts">The tokenizer.</param>
    /// <param name="directory">An existing directory.</param>
    public static void Write(TokenizerParts parts, string directory)
    {
        if (parts.ModelBytes.Length > 0) File.WriteAllBytes(Path.Combine(directory, T5Tokenizer.ModelFileName), parts.ModelBytes);
        if (parts.Model is UnigramModel unigram)
            WriteJson(Path.Combine(directory, TokenizerFiles.FastFile), json => FastTokenizerWriter.Write(parts, unigram, json));
        WriteJson(Path.Combine(directory, TokenizerFiles.ConfigFile), json => WriteConfig(parts, json));
        WriteJson(Path.Combine(directory, TokenizerFiles.SpecialFile), json => WriteSpecial(parts, json));
        if (parts.Added.Count == 0) return;
        WriteJson(Path.Combine(directory, TokenizerFiles.AddedFile), json =>
        {
            foreach (var token in parts.Added) json.WriteNumber(token.Content, token.Id);
        });
    }

    /// <summary>
    /// The tokens that no model segments, in the order of their ids: pad, end, unknown, sentinels and those that were added.
    /// </summary>
    /// <param name="parts">The tokenizer.</param>
    public static IEnumerable<AddedToken> Tokens(TokenizerParts parts)
    {
        var model = parts.Model;
        return new[] { model.PadId, model.EosId, model.UnkId }.Select(id => new AddedToken(id, model.TokenOf(id)!) { Special = true })
            .Concat(Sentinels(model).Select(k => new AddedToken(model.SentinelId(k), T5Tokenizer.SentinelName(k)) { Special = true }))
            .Concat(parts.Added)
            .OrderBy(t => t.Id);
    }

    /// <summary>Writes what describes a token, but for its id.</summary>
    /// <param name="json">Receives it.</param>
    /// <param name="token">The token.</param>
    public static void WriteToken(Utf8JsonWriter json, AddedToken token)
    {
        json.WriteString("content", token.Content);
        json.WriteBoolean("single_word", token.SingleWord);
        json.WriteBoolean("lstrip", token.LeftStrip);
        json.WriteBoolean("rstrip", token.RightStrip);
        json.WriteBoolean("normalized", token.Normalized);
        json.WriteBoolean("special", token.Special);
    }

    private static void WriteJson(string path, Action<Utf8JsonWriter> write)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Layout);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }

    private static void WriteConfig(TokenizerParts parts, Utf8JsonWriter json)
    {
        json.WriteStartObject("added_tokens_decoder");
        foreach (var token in Tokens(parts))
        {
            json.WriteStartObject(token.Id.ToString(CultureInfo.InvariantCulture));
            WriteToken(json, token);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        WriteAdditional(parts, json);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteString("eos_token", parts.Model.TokenOf(parts.Model.EosId));
        json.WriteNumber("extra_ids", Sentinels(parts.Model).Count());
        // "legacy" tokenizes what follows a special token as if it began the text.
        if (parts.Model is UnigramModel) json.WriteBoolean("legacy", FastTokenizerWriter.SpacesOf(parts).Prefix == PrefixScheme.Always);
        json.WriteNumber("model_max_length", 512);
        json.WriteString("pad_token", parts.Model.TokenOf(parts.Model.PadId));
        json.WriteString("tokenizer_class", parts.Model is ByteModel ? "ByT5Tokenizer" : "T5Tokenizer");
        json.WriteString("unk_token", parts.Model.TokenOf(parts.Model.UnkId));
    }

    private static void WriteSpecial(TokenizerParts parts, Utf8JsonWriter json)
    {
        WriteAdditional(parts, json);
        json.WriteString("eos_token", parts.Model.TokenOf(parts.Model.EosId));
        json.WriteString("pad_token", parts.Model.TokenOf(parts.Model.PadId));
        json.WriteString("unk_token", parts.Model.TokenOf(parts.Model.UnkId));
    }

    private static void WriteAdditional(TokenizerParts parts, Utf8JsonWriter json)
    {
        json.WriteStartArray("additional_special_tokens");
        foreach (var k in Sentinels(parts.Model)) json.WriteStringValue(T5Tokenizer.SentinelName(k));
        foreach (var token in parts.Added.Where(t => t.Special)) json.WriteStringValue(token.Content);
        json.WriteEndArray();
    }

    /// <summary>The sentinels that are spelled as such; mT5's are pieces of text.</summary>
    private static IEnumerable<int> Sentinels(ITokenModel model)
    {
        for (var k = 0; model.SentinelId(k) is >= 0 and var id && model.TokenOf(id) == T5Tokenizer.SentinelName(k); k++) yield return k;
    }
}
