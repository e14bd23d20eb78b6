using System.Globalization;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tokenization.Files;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization;

/// <summary>
/// T5's tokenizer: a SentencePiece Unigram model, or the bytes of ByT5, with sentinels <c>&lt;extra_id_k&gt;</c> and added tokens
/// behind it. Ids equal SentencePiece's on the same <c>spiece.model</c>, and Hugging Face's where tokens were added. Text is text:
/// a <c>&lt;/s&gt;</c> or <c>&lt;extra_id_0&gt;</c> that a user typed gives ordinary pieces; ends and separators come only from the
/// arguments. Safe for use from many threads.
/// </summary>
public sealed class T5Tokenizer
{
    /// <summary>The model's name within a checkpoint directory.</summary>
    public const string ModelFileName = "spiece.model";

    private readonly TokenizerParts _parts;
    private readonly ITokenModel _model;
    private readonly AddedTokenSplitter? _splitter;
    private readonly Dictionary<int, string>? _addedText;

    private T5Tokenizer(TokenizerParts parts)
    {
        (_parts, _model) = (parts, parts.Model);
        VocabularySize = Math.Max(_model.Count + _model.ExtraIds, parts.Added.Count == 0 ? 0 : parts.Added[^1].Id + 1);
        if (parts.Added.Count == 0) return;
        _splitter = new AddedTokenSplitter(_model, parts.Spaces, parts.Added);
        _addedText = parts.Added.ToDictionary(t => t.Id, t => t.Special ? "" : t.Content);
    }

    /// <summary>Number of ids: pieces, sentinels and added tokens. A model's embedding may have more rows.</summary>
    public int VocabularySize { get; }

    /// <summary>Sentinels appended to the pieces.</summary>
    public int ExtraIds => _model.ExtraIds;

    /// <summary>Id of <c>&lt;pad&gt;</c>, which is also what T5's decoder starts from.</summary>
    public int PadId => _model.PadId;

    /// <summary>Id of <c>&lt;/s&gt;</c>.</summary>
    public int EosId => _model.EosId;

    /// <summary>Id of <c>&lt;unk&gt;</c>.</summary>
    public int UnkId => _model.UnkId;

    /// <summary>Number of tokens that were added to the vocabulary.</summary>
    public int AddedTokens => _parts.Added.Count;

    /// <summary>What of the tokenizer's files is not used, in one line; null: nothing.</summary>
    public string? Note => _parts.Note;

    /// <summary>The content of <c>spiece.model</c>; empty where the tokenizer has none.</summary>
    internal ReadOnlyMemory<byte> ModelBytes => _parts.ModelBytes;

    /// <summary>The pieces of a Unigram tokenizer.</summary>
    internal SentencePieceModel Model => ((UnigramModel)_model).Model;

    /// <summary>Loads the tokenizer of a checkpoint or bundle.</summary>
    /// <param name="directory">
    /// A directory with <c>spiece.model</c> or <c>tokenizer.json</c>, or with a <c>tokenizer_config.json</c> of ByT5; the files beside
    /// it say which tokens were added.
    /// </param>
    /// <exception cref="InputException">A file is missing, damaged, contradicts another, or is no tokenizer of a T5.</exception>
    public static T5Tokenizer Load(string directory) => new(TokenizerDirectory.Load(directory));

    /// <summary>Makes a tokenizer of a model in memory.</summary>
    /// <param name="spieceModel">The content of <c>spiece.model</c>; not to be changed afterwards.</param>
    /// <param name="extraIds">Sentinels appended to the pieces.</param>
    /// <exception cref="InputException">The model is damaged or no Unigram model with pad and end pieces.</exception>
    public static T5Tokenizer FromModel(byte[] spieceModel, int extraIds = 100)
    {
        var model = new UnigramModel(SentencePieceModelReader.Read(spieceModel, ModelFileName), extraIds, ModelFileName);
        return new T5Tokenizer(new TokenizerParts(model, ModelFileName) { ModelBytes = spieceModel });
    }

    /// <summary>Tokenizes.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="appendEos">Whether <see cref="EosId"/> closes the ids.</param>
    public int[] Encode(string text, bool appendEos = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>((text.Length / 3) + 2);
        Append(text, ids);
        if (appendEos) ids.Add(EosId);
        return [.. ids];
    }

    /// <summary>Tokenizes and cuts.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maxTokens">Most ids to return, the closing <see cref="EosId"/> included, which is kept when text is cut.</param>
    /// <param name="truncated">Whether text was cut.</param>
    public int[] Encode(string text, int maxTokens, out bool truncated) => Encode(text, null, maxTokens, out truncated);

    /// <summary>
    /// Tokenizes a text whose format joins segments with a separator: each segment is tokenized on its own and
    /// <see cref="EosId"/> stands between them, as between premise and hypothesis in the paper's data.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="segmentSeparator">What joins segments; null where everything is text.</param>
    /// <param name="maxTokens">Most ids to return, the closing <see cref="EosId"/> included, which is kept when text is cut.</param>
    /// <param name="truncated">Whether text was cut.</param>
    public int[] Encode(string text, string? segmentSeparator, int maxTokens, out bool truncated)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        var ids = new List<int>(Math.Min((text.Length / 3) + 2, maxTokens));
        var rest = text.AsSpan();
        while (!string.IsNullOrEmpty(segmentSeparator) && rest.IndexOf(segmentSeparator, StringComparison.Ordinal) is >= 0 and var at)
        {
            Append(rest[..at], ids);
            ids.Add(EosId);
            rest = rest[(at + segmentSeparator.Length)..];
        }

        Append(rest, ids);
        truncated = ids.Count + 1 > maxTokens;
        if (truncated) ids.RemoveRange(maxTokens - 1, ids.Count - maxTokens + 1);
        ids.Add(EosId);
        return [.. ids];
    }

    /// <summary>
    /// Turns ids into text as SentencePiece does. Padding, sentinels, special tokens and ids beyond the vocabulary, which an embedding
    /// padded
    /// to a round size can produce, give nothing; the first <see cref="EosId"/> ends the text.
    /// </summary>
    /// <param name="ids">Ids.</param>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var end = ids.IndexOf(EosId);
        return _model.Decode(end < 0 ? ids : ids[..end], _addedText);
    }

    /// <summary>Refuses an embedding that has no row for each of the tokens.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="embedding">Where it is, for the message.</param>
    /// <exception cref="InputException">It has too few.</exception>
    public void RequireRows(int rows, string embedding)
    {
        if (VocabularySize <= rows) return;
        var token = _model.TokenOf(rows) ?? _parts.Added.First(t => t.Id >= rows).Content;
        throw new InputException(
            $"{_parts.Source}: the tokenizer has {VocabularySize} tokens, {embedding} has {rows} rows; the first without one is id "
                + $"{rows}, \"{InputText.Show(token)}\"");
    }

    /// <summary>
    /// Refuses a configuration that ends decoding at other tokens than this tokenizer's end token, or that starts it at a padding token
    /// which is not this tokenizer's: a model would learn one token and be decoded with another.
    /// </summary>
    /// <param name="config">The configuration.</param>
    /// <param name="source">Its file, for the message.</param>
    /// <exception cref="InputException">The tokens differ.</exception>
    public void RequireTokensOf(T5Config config, string source)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!config.IsEnd(EosId))
            throw new InputException(
                $"{source}: \"eos_token_id\" is {config.OtherEndTokens.ToJson(config.EosTokenId).ToJsonString()}, but the end token of "
                    + $"{_parts.Source} is id {EosId}");
        if (config.PadTokenId != PadId && config.DecoderStartTokenId == config.PadTokenId)
            throw new InputException(
                $"{source}: decoding starts at \"pad_token_id\", which is {config.PadTokenId}, but the padding token of {_parts.Source} is "
                    + $"id {PadId}");
    }

    /// <summary>The id of <c>&lt;extra_id_k&gt;</c>, which stands for the k-th masked span.</summary>
    /// <param name="k">0 to the number of sentinels less one.</param>
    public int SentinelId(int k)
    {
        var id = _model.SentinelId(k);
        return id >= 0 ? id : throw new ArgumentOutOfRangeException(nameof(k), k, "the tokenizer has no such sentinel");
    }

    /// <summary>
    /// Writes <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c>, and of <c>spiece.model</c>, <c>tokenizer.json</c> and
    /// <c>added_tokens.json</c> those that the tokenizer has.
    /// </summary>
    /// <param name="directory">An existing directory.</param>
    public void Save(string directory) => TokenizerWriter.Write(_parts, directory);

    /// <summary>How sentinels are spelled.</summary>
    internal static string SentinelName(int k) => string.Create(CultureInfo.InvariantCulture, $"<extra_id_{k}>");

    private void Append(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_splitter is null) _model.Append(text, SegmentForm.Text, ids);
        else _splitter.Append(text, ids);
    }
}
