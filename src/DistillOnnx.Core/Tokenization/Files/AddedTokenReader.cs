using System.Text.Json;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>
/// Collects the added tokens of a directory. <c>tokenizer.json</c> comes first, as in Hugging Face's fast tokenizers, and the other
/// files may only add to it: a token with two ids, an id with two tokens and a gap between ids are refused. The model's own pad,
/// end, unknown and sentinel tokens, which every T5 lists, stay what they are: no text gives them.
/// </summary>
/// <param name="model">The model that the tokens were added to.</param>
/// <param name="source">The model's file, for messages.</param>
internal sealed class AddedTokenReader(ITokenModel model, string source)
{
    private readonly Dictionary<string, (AddedToken Token, string Path)> _byContent = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _byId = [];
    private readonly List<(string Content, string Path, AddedToken Flags)> _unnumbered = [];
    private Dictionary<string, int>? _own;

    private int OwnCount => model.Count + model.ExtraIds;

    /// <summary>Reads the list of <c>tokenizer.json</c>.</summary>
    /// <param name="json">The file.</param>
    public void ReadFast(TokenizerJson json)
    {
        foreach (var entry in json.Items(json.Root, "added_tokens"))
        {
            var id = json.Integer(entry, "id") ?? throw new InputException($"{json.Path}: an added token has no \"id\"");
            Add(json.Path, Read(json, entry, id));
        }
    }

    /// <summary>Reads <c>tokenizer_config.json</c> or <c>special_tokens_map.json</c>.</summary>
    /// <param name="json">The file.</param>
    public void ReadConfig(TokenizerJson json)
    {
        foreach (var (key, entry) in json.Members(json.Root, "added_tokens_decoder")) Add(json.Path, Read(json, entry, json.Id(key)));
        foreach (var entry in json.Items(json.Root, "additional_special_tokens")) AddSpecial(json, entry, "additional_special_tokens");
        foreach (var (key, value) in json.Members(json.Root))
        {
            if (!key.EndsWith("_token", StringComparison.Ordinal) || value.ValueKind is not (JsonValueKind.String or JsonValueKind.Object))
                continue;
            var own = key switch { "pad_token" => model.PadId, "eos_token" => model.EosId, "unk_token" => model.UnkId, _ => -1 };
            if (own < 0) AddSpecial(json, value, key);
            else if (Read(json, value, own).Content is var content && content != model.TokenOf(own))
                throw new InputException(
                    $"{json.Path}: \"{key}\" is \"{InputText.Show(content)}\", expected \"{model.TokenOf(own)}\" (id {own}) as in "
                        + $"{source}");
        }
    }

    /// <summary>Reads <c>added_tokens.json</c>.</summary>
    /// <param name="json">The file.</param>
    /// <param name="isSpecial">Which of its tokens are special.</param>
    public void ReadAdded(TokenizerJson json, Func<string, bool> isSpecial)
    {
        foreach (var (content, value) in json.Members(json.Root))
        {
            var special = isSpecial(content);
            var id = json.AsInteger(value, $"\"{InputText.Show(content)}\"");
            Add(json.Path, new AddedToken(id, content) { Special = special, Normalized = !special });
        }
    }

    /// <summary>The tokens in the order of their ids.</summary>
    /// <exception cref="InputException">Ids leave a gap.</exception>
    public IReadOnlyList<AddedToken> Finish()
    {
        var next = Math.Max(OwnCount, _byId.Count == 0 ? 0 : _byId.Keys.Max() + 1);
        foreach (var (content, path, flags) in _unnumbered)
        {
            if (_byContent.TryGetValue(content, out var known))
            {
                if (!known.Token.Special) _byContent[content] = (known.Token with { Special = true }, known.Path);
            }
            else if (Own(content) < 0)
            {
                Add(path, flags with { Id = next++ });
            }
        }

        AddedToken[] tokens = [.. _byContent.Values.Select(t => t.Token).OrderBy(t => t.Id)];
        var expected = OwnCount;
        foreach (var token in tokens.SkipWhile(t => t.Id < OwnCount))
        {
            if (token.Id != expected)
                throw new InputException(
                    $"{_byContent[token.Content].Path}: added token \"{InputText.Show(token.Content)}\" has id {token.Id}, expected "
                        + $"{expected}: {source} ends with id {OwnCount - 1} and ids may leave no gap");
            expected++;
        }

        return tokens;
    }

    /// <summary>Special tokens that a file names without an id.</summary>
    public bool NamesAsSpecial(string content) => _unnumbered.Any(t => t.Content == content);

    private void AddSpecial(TokenizerJson json, JsonElement value, string key)
    {
        var token = value.ValueKind == JsonValueKind.String ? new AddedToken(-1, json.AsText(value, $"\"{key}\"")) : Read(json, value, -1);
        if (token.Content.Length > 0) _unnumbered.Add((token.Content, json.Path, token with { Special = true, Normalized = false }));
    }

    private static AddedToken Read(TokenizerJson json, JsonElement entry, int id)
    {
        if (entry.ValueKind == JsonValueKind.String) return new AddedToken(id, json.AsText(entry, "a token"));
        var content = json.Text(entry, "content") ?? throw new InputException($"{json.Path}: added token {id} has no \"content\"");
        var special = json.Flag(entry, "special") ?? false;
        return new AddedToken(id, content)
        {
            Special = special,
            LeftStrip = json.Flag(entry, "lstrip") ?? false,
            RightStrip = json.Flag(entry, "rstrip") ?? false,
            SingleWord = json.Flag(entry, "single_word") ?? false,
            Normalized = json.Flag(entry, "normalized") ?? !special,
        };
    }

    private void Add(string path, AddedToken token)
    {
        var shown = InputText.Show(token.Content);
        if (token.Content.Length == 0) throw new InputException($"{path}: added token {token.Id} is empty");
        if (token.Id < 0) throw new InputException($"{path}: added token \"{shown}\" has id {token.Id}, expected 0 or more");
        var own = Own(token.Content);
        if (own < 0 && token.Id < OwnCount)
            throw new InputException(
                $"{path}: added token \"{shown}\" has id {token.Id}, which is \"{InputText.Show(model.TokenOf(token.Id)!)}\" in {source}");
        if (own >= 0 && own != token.Id)
            throw new InputException($"{path}: added token \"{shown}\" has id {token.Id}, but {source} has it as id {own}");
        if (own == model.PadId || own == model.EosId || own == model.UnkId || (own >= 0 && IsSentinel(token.Content))) return;
        if (_byContent.TryGetValue(token.Content, out var known))
        {
            if (known.Token.Id == token.Id) return;
            throw new InputException($"{path}: added token \"{shown}\" has id {token.Id}, but {known.Path} gives it id {known.Token.Id}");
        }

        if (!_byId.TryAdd(token.Id, token.Content))
            throw new InputException(
                $"{path}: id {token.Id} is \"{shown}\", but {_byContent[_byId[token.Id]].Path} has \"{InputText.Show(_byId[token.Id])}\" "
                    + "there");
        _byContent.Add(token.Content, (token, path));
    }

    private int Own(string content)
    {
        if (_own is null)
        {
            _own = new Dictionary<string, int>(OwnCount, StringComparer.Ordinal);
            for (var id = 0; id < OwnCount; id++) _own.TryAdd(model.TokenOf(id)!, id);
            // mT5 spells its sentinels with a space in front. A byte of ByT5 is no token that could be added again.
            foreach (var (text, id) in _own.Where(t => IsSentinel(t.Key.TrimStart(SentencePieceModel.Space))).ToList())
                _own.TryAdd(text.TrimStart(SentencePieceModel.Space), id);
            if (model is ByteModel) _own = _own.Where(t => t.Key.Length > 1).ToDictionary(StringComparer.Ordinal);
        }

        return _own.GetValueOrDefault(content, -1);
    }

    private static bool IsSentinel(string content) => content.StartsWith("<extra_id_", StringComparison.Ordinal);
}
