using System.Text.Json;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>
/// Writes <c>tokenizer.json</c>, which says the same as the model for runtimes that read only that: the Unigram vocabulary with its
/// scores, the normalisation rules, the space mark, the added tokens and the closing end token.
/// </summary>
internal static class FastTokenizerWriter
{
    /// <summary>Writes the members of the file's object.</summary>
    /// <param name="parts">The tokenizer.</param>
    /// <param name="unigram">Its model.</param>
    /// <param name="json">Receives them.</param>
    public static void Write(TokenizerParts parts, UnigramModel unigram, Utf8JsonWriter json)
    {
        var model = unigram.Model;
        var spaces = SpacesOf(parts);
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var token in TokenizerWriter.Tokens(parts))
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            TokenizerWriter.WriteToken(json, token);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteNormalizer(model, spaces, json);
        json.WriteStartObject("pre_tokenizer");
        if (spaces.SplitsAtSpaces)
        {
            json.WriteString("type", "Sequence");
            json.WriteStartArray("pretokenizers");
            json.WriteStartObject();
            json.WriteString("type", "WhitespaceSplit");
            json.WriteEndObject();
            json.WriteStartObject();
            WriteMetaspace(json, spaces.Prefix);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else
        {
            WriteMetaspace(json, spaces.Prefix);
        }

        json.WriteEndObject();
        WriteTemplate(model.EosPiece, unigram.EosId, json);
        json.WriteStartObject("decoder");
        WriteMetaspace(json, spaces.Prefix == PrefixScheme.Never ? PrefixScheme.Never : PrefixScheme.Always);
        json.WriteEndObject();
        json.WriteStartObject("model");
        json.WriteString("type", "Unigram");
        json.WriteNumber("unk_id", unigram.UnkId);
        json.WriteStartArray("vocab");
        foreach (var piece in model.Pieces) WriteEntry(json, piece.Text, piece.Score);
        for (var k = unigram.ExtraIds - 1; k >= 0; k--) WriteEntry(json, T5Tokenizer.SentinelName(k), 0);
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", model.ByteFallback);
        json.WriteEndObject();
    }

    /// <summary>
    /// The rules that are written. They differ only where added tokens cut a text; without them the plain form is written, which
    /// also puts a space behind a separator, as the segments of an input are encoded here.
    /// </summary>
    /// <param name="parts">The tokenizer.</param>
    public static SpaceRules SpacesOf(TokenizerParts parts) =>
        parts.Added.Count == 0 && parts.Spaces.Prefix != PrefixScheme.Never ? SpaceRules.Legacy : parts.Spaces;

    private static void WriteNormalizer(SentencePieceModel model, SpaceRules spaces, Utf8JsonWriter json)
    {
        var steps = new List<Action>();
        foreach (var step in model.Steps.Where(s => s.Kind != TextStepKind.Spaces))
        {
            if (step.Kind == TextStepKind.Replace) steps.Add(() => WriteReplace("String", step.Pattern, step.Content));
            else steps.Add(() => json.WriteString("type", nameof(TextStepKind.Lowercase)));
        }

        if (!model.PrecompiledCharsMap.IsEmpty)
        {
            steps.Add(() =>
            {
                json.WriteString("type", "Precompiled");
                json.WriteBase64String("precompiled_charsmap", model.PrecompiledCharsMap.Span);
            });
        }

        if (!spaces.SplitsAtSpaces)
        {
            steps.Add(() =>
            {
                json.WriteString("type", "Strip");
                json.WriteBoolean("strip_left", false);
                json.WriteBoolean("strip_right", true);
            });
            steps.Add(() => WriteReplace("Regex", " {2,}", "\u2581"));
        }

        json.WritePropertyName("normalizer");
        if (steps.Count == 0)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        if (steps.Count == 1)
        {
            steps[0]();
        }
        else
        {
            json.WriteString("type", "Sequence");
            json.WriteStartArray("normalizers");
            foreach (var write in steps)
            {
                json.WriteStartObject();
                write();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();

        void WriteReplace(string kind, string pattern, string content)
        {
            json.WriteString("type", "Replace");
            json.WriteStartObject("pattern");
            json.WriteString(kind, pattern);
            json.WriteEndObject();
            json.WriteString("content", content);
        }
    }

    private static void WriteEntry(Utf8JsonWriter json, string piece, double score)
    {
        json.WriteStartArray();
        json.WriteStringValue(piece);
        // As double: the float's shortest decimal would read back as another double than SentencePiece's score.
        json.WriteNumberValue(score);
        json.WriteEndArray();
    }

    private static void WriteMetaspace(Utf8JsonWriter json, PrefixScheme scheme)
    {
        json.WriteString("type", "Metaspace");
        json.WriteString("replacement", "\u2581");
        json.WriteBoolean("add_prefix_space", scheme != PrefixScheme.Never);
        json.WriteString("prepend_scheme", scheme switch { PrefixScheme.First => "first", PrefixScheme.Never => "never", _ => "always" });
    }

    private static void WriteTemplate(string eos, int eosId, Utf8JsonWriter json)
    {
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        WriteParts("single", ["A"]);
        WriteParts("pair", ["A", "B"]);
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(eos);
        json.WriteString("id", eos);
        json.WriteStartArray("ids");
        json.WriteNumberValue(eosId);
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
}
