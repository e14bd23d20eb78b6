using System.Text.Json;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>
/// Reads a directory's tokenizer: <c>spiece.model</c>, <c>tokenizer.json</c> or, for ByT5, neither. Where both are there they have
/// to agree, because transformers reads one or the other.
/// </summary>
internal static class TokenizerDirectory
{
    private const int MaxExtraIds = 100_000;

    /// <summary>Reads it.</summary>
    /// <param name="directory">The directory.</param>
    /// <exception cref="InputException">A file is missing, damaged, or contradicts another.</exception>
    public static TokenizerParts Load(string directory)
    {
        using var config = TokenizerJson.Open(directory, TokenizerFiles.ConfigFile);
        using var special = TokenizerJson.Open(directory, TokenizerFiles.SpecialFile);
        using var added = TokenizerJson.Open(directory, TokenizerFiles.AddedFile);
        using var fast = TokenizerJson.Open(directory, TokenizerFiles.FastFile);
        var extraIds = config?.Integer(config.Root, "extra_ids");
        if (extraIds is < 0 or > MaxExtraIds)
            throw new InputException($"{config!.Path}: \"extra_ids\" is {extraIds}, expected 0 to {MaxExtraIds}");

        var path = Path.Combine(directory, T5Tokenizer.ModelFileName);
        TokenizerParts parts;
        if (config?.Text(config.Root, "tokenizer_class") is "ByT5Tokenizer")
        {
            var other = File.Exists(path) ? path : fast?.Path;
            if (other is not null)
                throw new InputException(
                    $"{config.Path}: the tokenizer is ByT5Tokenizer, which has no vocabulary file, but {other} is there");
            parts = new TokenizerParts(new ByteModel(extraIds ?? ByteModel.DefaultExtraIds), config.Path);
        }
        else if (File.Exists(path))
        {
            parts = LoadPieces(path, extraIds, fast, config);
        }
        else if (fast is not null)
        {
            parts = LoadFast(fast, extraIds, config, special);
        }
        else
        {
            throw new InputException(
                $"{path}: no such file; expected the tokenizer's SentencePiece model, a {TokenizerFiles.FastFile}, or a "
                    + $"{TokenizerFiles.ConfigFile} of ByT5Tokenizer");
        }

        var reader = new AddedTokenReader(parts.Model, parts.Source);
        if (fast is not null) reader.ReadFast(fast);
        if (config is not null) reader.ReadConfig(config);
        if (special is not null) reader.ReadConfig(special);
        if (added is not null) reader.ReadAdded(added, reader.NamesAsSpecial);
        return parts with
        {
            Added = reader.Finish(),
            Note = string.Join("; ", ((string?[])[parts.Note, .. Limits(fast, config)]).Where(n => n is not null)) is { Length: > 0 } note
                ? note
                : null,
        };
    }

    /// <summary>What the files say about cutting and padding, which a task decides here.</summary>
    private static IEnumerable<string> Limits(TokenizerJson? fast, TokenizerJson? config)
    {
        const string why = "inputs are cut at their end to the task's own limit, and padded batch by batch at their end";
        if (fast?.Get(fast.Root, "truncation") is { } truncation)
            yield return $"{fast.Path}: \"truncation\" ({InputText.Show(truncation.GetRawText())}) is not applied: {why}";
        if (fast?.Get(fast.Root, "padding") is { } padding)
            yield return $"{fast.Path}: \"padding\" ({InputText.Show(padding.GetRawText())}) is not applied: {why}";
        foreach (var key in (string[])["truncation_side", "padding_side"])
        {
            if (config?.Text(config.Root, key) is { } side and not "right")
                yield return $"{config.Path}: \"{key}\" (\"{InputText.Show(side)}\") is not applied: {why}";
        }
    }

    private static TokenizerParts LoadPieces(string path, int? extraIds, TokenizerJson? fast, TokenizerJson? config)
    {
        var bytes = TokenizerFiles.ReadBounded(path);
        var pieces = SentencePieceModelReader.Read(bytes, path);
        var json = fast is null ? null : FastTokenizerReader.Read(fast);
        string? note = null;
        if (json is { HasNoNormalizer: true } && !pieces.PrecompiledCharsMap.IsEmpty)
        {
            // The model learnt from ids without the rules, and transformers goes on giving it those.
            note = $"{fast!.Path}: has no normalizer, as transformers 5.0 to 5.2 save it; the rules of {path} are not used";
            pieces = pieces with { PrecompiledCharsMap = default, Steps = json.Steps };
        }

        if (extraIds is null && json is not null)
            extraIds = Sentinels(json, fast!, pieces.Pieces.Count) is > 0 and var count ? count : null;
        var model = new UnigramModel(pieces, extraIds, path);
        if (json is not null) Compare(model, json, path, fast!.Path);
        var legacy = config?.Get(config.Root, "legacy") is not { ValueKind: JsonValueKind.False };
        return new TokenizerParts(model, path)
        {
            ModelBytes = note is null ? bytes : [],
            Note = note,
            Spaces = json?.Spaces ?? (legacy ? SpaceRules.Legacy : SpaceRules.First),
        };
    }

    private static TokenizerParts LoadFast(TokenizerJson fast, int? extraIds, TokenizerJson? config, TokenizerJson? special)
    {
        var json = FastTokenizerReader.Read(fast);
        var pad = Name(config) ?? Name(special) ?? "<pad>";
        var pieces = new SentencePieceModel
        {
            Pieces = [.. json.Pieces.Select((p, id) => new Piece(p.Text, p.Score, TypeOf(p.Text, id)))],
            Steps = json.Steps,
            PrecompiledCharsMap = json.CharsMap,
            AddDummyPrefix = json.Spaces.Prefix != PrefixScheme.Never,
            ByteFallback = json.ByteFallback,
            PadPiece = pad,
            EosPiece = json.EndToken,
        };
        SentencePieceModelReader.Validate(pieces, fast.Path);
        var within = json.Pieces.Any(p => IsSentinel(p.Text.TrimStart(SentencePieceModel.Space)));
        var model = new UnigramModel(pieces, within ? 0 : extraIds ?? Sentinels(json, fast, json.Pieces.Count), fast.Path);
        return new TokenizerParts(model, fast.Path) { Spaces = json.Spaces };

        PieceType TypeOf(string text, int id) =>
            id == json.UnkId ? PieceType.Unknown
            : text == pad || text == json.EndToken || IsSentinel(text) ? PieceType.Control
            : json.ByteFallback && SentencePieceModelReader.ByteOf(text) >= 0 ? PieceType.Byte
            : PieceType.Normal;

        static string? Name(TokenizerJson? file)
        {
            if (file?.Get(file.Root, "pad_token") is not { } token) return null;
            return token.ValueKind == JsonValueKind.String ? file.AsText(token, "\"pad_token\"") : file.Text(token, "content");
        }
    }

    /// <summary>How many sentinels follow the pieces.</summary>
    private static int Sentinels(FastTokenizer json, TokenizerJson fast, int pieces)
    {
        var inVocabulary = json.Pieces.Skip(pieces).Count(p => IsSentinel(p.Text));
        return inVocabulary > 0
            ? inVocabulary
            : fast.Items(fast.Root, "added_tokens")
                .Count(t => fast.Integer(t, "id") >= pieces && IsSentinel(fast.Text(t, "content") ?? ""));
    }

    private static void Compare(UnigramModel model, FastTokenizer json, string path, string fastPath)
    {
        var pieces = model.Model;
        var remedy = $"transformers reads {TokenizerFiles.FastFile}; remove the file that is wrong";
        if (json.Pieces.Count < model.Count || json.Pieces.Count > model.Count + model.ExtraIds)
            throw new InputException(
                $"{fastPath}: {json.Pieces.Count} pieces, but {path} has {model.Count} and {model.ExtraIds} extra ids; {remedy}");
        for (var id = 0; id < json.Pieces.Count; id++)
        {
            var (text, score) = json.Pieces[id];
            if (text != model.TokenOf(id))
                throw new InputException(
                    $"{fastPath}: piece {id} is \"{InputText.Show(text)}\", but \"{InputText.Show(model.TokenOf(id)!)}\" in {path}; "
                        + $"{remedy}");
            if (id < model.Count && !(Math.Abs(score - pieces.Pieces[id].Score) <= 1e-4 * (1 + Math.Abs(score))))
                throw new InputException(
                    $"{fastPath}: piece {id}, \"{InputText.Show(text)}\", has the score {score}, but {pieces.Pieces[id].Score} in "
                        + $"{path}; {remedy}");
        }

        if (json.Steps.FirstOrDefault(s => s.Kind != TextStepKind.Spaces) is { } step)
            throw new InputException($"{fastPath}: the normalizer has the step {step.Kind}, which {path} has not; {remedy}");
        if (!pieces.PrecompiledCharsMap.Span.SequenceEqual(json.CharsMap))
            throw new InputException(
                $"{fastPath}: the normalizer has {json.CharsMap.Length} bytes of rules that differ from the "
                    + $"{pieces.PrecompiledCharsMap.Length} in {path}; {remedy}");
        if (json.UnkId != model.UnkId)
            throw new InputException($"{fastPath}: \"unk_id\" is {json.UnkId}, but {model.UnkId} in {path}; {remedy}");
        if (json.EndToken != pieces.EosPiece)
            throw new InputException(
                $"{fastPath}: the end token is \"{InputText.Show(json.EndToken)}\", but \"{pieces.EosPiece}\" in {path}; {remedy}");
        if (json.ByteFallback != pieces.ByteFallback)
            throw new InputException(
                $"{fastPath}: \"byte_fallback\" is {json.ByteFallback}, but {pieces.ByteFallback} in {path}; {remedy}");
    }

    private static bool IsSentinel(string text) => text.StartsWith("<extra_id_", StringComparison.Ordinal);
}
