using System.Text.Json;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>
/// Reads <c>tokenizer.json</c>: a Unigram model and the steps around it that T5's tokenizers have. A step with another meaning is
/// refused by its name, since without it the ids would be others.
/// </summary>
internal static class FastTokenizerReader
{
    private const float MaxScore = 1e9f;
    private const int MaxPieceChars = 2048;
    private const int MaxDepth = 4;

    /// <summary>Reads the file.</summary>
    /// <param name="json">The file.</param>
    /// <exception cref="InputException">It is damaged, or says something that cannot be done here.</exception>
    public static FastTokenizer Read(TokenizerJson json)
    {
        var model = json.Get(json.Root, "model") ?? throw new InputException($"{json.Path}: no \"model\", expected a Unigram vocabulary");
        var type = json.Text(model, "type") ?? "Unigram";
        if (type != "Unigram")
            throw new InputException(
                $"{json.Path}: the model is of type \"{InputText.Show(type)}\", expected Unigram, which T5's tokenizers use");
        var pieces = json.Items(model, "vocab").Select((entry, id) => ReadPiece(json, entry, id)).ToList();
        if (pieces.Count == 0) throw new InputException($"{json.Path}: the model's \"vocab\" is empty");
        var unknown = json.Integer(model, "unk_id") ?? throw new InputException($"{json.Path}: the model has no \"unk_id\"");
        if ((uint)unknown >= (uint)pieces.Count)
            throw new InputException($"{json.Path}: \"unk_id\" is {unknown}, expected 0 to {pieces.Count - 1}");
        var steps = new List<TextStep>();
        var rules = ReadNormalizer(json, steps, out var trims);
        var spaces = ReadPreTokenizer(json, trims);
        if (spaces.SplitsAtSpaces && rules.Length == 0) steps.Add(new TextStep(TextStepKind.Spaces));
        CheckDecoder(json);
        return new FastTokenizer(pieces, unknown, json.Flag(model, "byte_fallback") ?? false, steps, rules, spaces, ReadEnd(json));
    }

    private static (string Text, float Score) ReadPiece(TokenizerJson json, JsonElement entry, int id)
    {
        if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2 || entry[1].ValueKind != JsonValueKind.Number)
            throw new InputException($"{json.Path}: piece {id} is {InputText.Show(entry.GetRawText())}, expected a text and a score");
        var text = json.AsText(entry[0], $"piece {id}");
        if (text.Length is 0 or > MaxPieceChars || text.Contains('\0'))
            throw new InputException($"{json.Path}: piece {id} has {text.Length} characters or a NUL, expected 1 to {MaxPieceChars}");
        var score = (float)entry[1].GetDouble();
        return Math.Abs(score) <= MaxScore
            ? (text, score)
            : throw new InputException($"{json.Path}: piece {id} has the score {score}, expected a log-probability");
    }

    private static byte[] ReadNormalizer(TokenizerJson json, List<TextStep> steps, out bool trims)
    {
        byte[] rules = [];
        bool strips = false, merges = false;
        foreach (var (step, type) in Steps(json, "normalizer", "normalizers"))
        {
            switch (type)
            {
                case "Precompiled" when rules.Length == 0 && !strips && !merges:
                    if (json.Get(step, "precompiled_charsmap") is not { ValueKind: JsonValueKind.String } map
                        || !map.TryGetBytesFromBase64(out rules!))
                        throw new InputException($"{json.Path}: \"precompiled_charsmap\" is not Base64");
                    break;
                case "Lowercase" when rules.Length == 0 && !strips && !merges:
                    steps.Add(new TextStep(TextStepKind.Lowercase));
                    break;
                case "Replace" when rules.Length == 0 && !strips && !merges && ReadReplace(json, step) is { } replace:
                    steps.Add(replace);
                    break;
                case "Strip" when json.Flag(step, "strip_left") is not true:
                    strips |= json.Flag(step, "strip_right") ?? false;
                    break;
                case "Replace" when json.Get(step, "pattern") is { } pattern && json.Text(pattern, "Regex") == " {2,}"
                    && json.Text(step, "content") is " " or "\u2581":
                    merges = true;
                    break;
                default:
                    throw new InputException(
                        $"{json.Path}: the normalizer \"{InputText.Show(type)}\" ({InputText.Show(Short(step))}) is not supported; "
                        + "expected Replace of a text without spaces, Lowercase, Precompiled, Strip of the right side, Replace of repeated "
                        + "spaces, in that order");
            }
        }

        trims = strips && merges;
        return rules;
    }

    /// <summary>A replacement that leaves spaces alone; null: it is another.</summary>
    private static TextStep? ReadReplace(TokenizerJson json, JsonElement step)
    {
        var found = json.Get(step, "pattern") is { } pattern ? json.Text(pattern, "String") : null;
        if (found is not { Length: > 0 and <= MaxPieceChars } text) return null;
        var content = json.Text(step, "content") ?? "";
        var isPlain = content.Length <= MaxPieceChars && !(text + content).Any(c => char.IsWhiteSpace(c) || c == SentencePieceModel.Space);
        return isPlain ? new TextStep(TextStepKind.Replace, text, content) : null;
    }

    private static SpaceRules ReadPreTokenizer(TokenizerJson json, bool trims)
    {
        PrefixScheme? scheme = null;
        var splits = false;
        foreach (var (step, type) in Steps(json, "pre_tokenizer", "pretokenizers"))
        {
            switch (type)
            {
                case "WhitespaceSplit" when scheme is null:
                    splits = true;
                    break;
                case "Metaspace" when scheme is null && (json.Text(step, "replacement") ?? "\u2581") == "\u2581":
                    scheme = json.Text(step, "prepend_scheme") switch
                    {
                        _ when json.Flag(step, "add_prefix_space") is false => PrefixScheme.Never,
                        null or "always" => PrefixScheme.Always,
                        "first" => PrefixScheme.First,
                        "never" => PrefixScheme.Never,
                        var other => throw new InputException(
                            $"{json.Path}: \"prepend_scheme\" is \"{InputText.Show(other)}\", expected always, first or never"),
                    };
                    break;
                default:
                    throw new InputException(
                        $"{json.Path}: the pre-tokenizer \"{InputText.Show(type)}\" ({InputText.Show(Short(step))}) is not supported; "
                            + "expected WhitespaceSplit, Metaspace with \u2581, or one after the other");
            }
        }

        if (scheme is null) throw new InputException($"{json.Path}: the pre-tokenizer has no Metaspace, which T5's tokenizers have");
        if (splits && scheme != PrefixScheme.Always)
            throw new InputException(
                $"{json.Path}: WhitespaceSplit with the prepend scheme \"{scheme}\" would drop the spaces between words; expected "
                    + "\"always\"");
        if (!splits && !trims)
            throw new InputException(
                $"{json.Path}: Metaspace without WhitespaceSplit needs the normalizers Strip (right) and Replace of repeated spaces, "
                    + "found another set");
        return new SpaceRules(scheme.Value, splits);
    }

    private static string ReadEnd(TokenizerJson json)
    {
        const string expected = "expected TemplateProcessing that puts the end token behind the text";
        if (json.Get(json.Root, "post_processor") is not { } post)
            throw new InputException($"{json.Path}: no \"post_processor\", {expected}");
        var type = json.Text(post, "type");
        if (type != "TemplateProcessing")
            throw new InputException($"{json.Path}: the post-processor is \"{InputText.Show(type ?? "")}\", {expected}");
        var parts = json.Items(post, "single").ToList();
        if (parts.Count != 2 || json.Get(parts[0], "Sequence") is null
            || json.Get(parts[1], "SpecialToken") is not { } end || json.Text(end, "id") is not { } token)
            throw new InputException(
                $"{json.Path}: the post-processor's \"single\" has {parts.Count} parts that are not a text and its end, {expected}");
        return token;
    }

    private static void CheckDecoder(TokenizerJson json)
    {
        foreach (var (_, type) in Steps(json, "decoder", "decoders"))
        {
            if (type is not ("Metaspace" or "ByteFallback" or "Fuse" or "Strip" or "Replace"))
                throw new InputException($"{json.Path}: the decoder \"{InputText.Show(type)}\" is not supported, expected Metaspace");
        }
    }

    private static List<(JsonElement Step, string Type)> Steps(TokenizerJson json, string key, string list)
    {
        var steps = new List<(JsonElement, string)>();
        if (json.Get(json.Root, key) is { } root) Flatten(root, 0);
        return steps;

        void Flatten(JsonElement step, int depth)
        {
            var type = json.Text(step, "type") ?? throw new InputException($"{json.Path}: a step of \"{key}\" has no \"type\"");
            if (type != "Sequence")
            {
                steps.Add((step, type));
                return;
            }

            if (depth == MaxDepth) throw new InputException($"{json.Path}: \"{key}\" is nested more than {MaxDepth} deep");
            foreach (var inner in json.Items(step, list)) Flatten(inner, depth + 1);
        }
    }

    private static string Short(JsonElement step) => step.GetRawText() is { Length: > 80 } raw ? raw[..80] : step.GetRawText();
}
