using System.Buffers;
using System.Globalization;
using System.Text;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization;

/// <summary>
/// T5's tokenizer: a SentencePiece Unigram model with sentinels <c>&lt;extra_id_k&gt;</c> behind its pieces. Ids equal
/// SentencePiece's on the same <c>spiece.model</c>. Text is text: a <c>&lt;/s&gt;</c> or <c>&lt;extra_id_0&gt;</c> that a
/// user typed gives ordinary pieces; ends and separators come only from the arguments. Safe for use from many threads.
/// </summary>
public sealed class T5Tokenizer
{
    /// <summary>The model's name within a checkpoint directory.</summary>
    public const string ModelFileName = "spiece.model";

    private const int MaxExtraIds = 100_000;

    private readonly byte[] _bytes;
    private readonly TextNormalizer _normalizer;
    private readonly UnigramSegmenter _segmenter;
    private readonly PieceDecoder _decoder;
    private readonly Dictionary<string, int> _sentinelsInModel;

    private T5Tokenizer(byte[] bytes, int? extraIds, string source)
    {
        _bytes = bytes;
        Model = SentencePieceModelReader.Read(bytes, source);
        _normalizer = new TextNormalizer(Model, source);
        _segmenter = new UnigramSegmenter(Model, source);
        PadId = Find(Model.PadPiece, source, "pad");
        EosId = Find(Model.EosPiece, source, "end");
        UnkId = Enumerable.Range(0, Model.Pieces.Count).First(i => Model.Pieces[i].Type == PieceType.Unknown);
        _sentinelsInModel = Model.Pieces
            .Select((p, i) => (Text: p.Text.TrimStart(SentencePieceModel.Space), Id: i))
            .Where(p => p.Text.StartsWith("<extra_id_", StringComparison.Ordinal))
            .ToDictionary(p => p.Text, p => p.Id, StringComparer.Ordinal);
        // mT5's model has its sentinels among the pieces; T5's gets them appended.
        ExtraIds = extraIds ?? (_sentinelsInModel.Count > 0 ? 0 : 100);
        if (ExtraIds is < 0 or > MaxExtraIds) throw new InputException($"{source}: {ExtraIds} extra ids, expected 0 to {MaxExtraIds}");
        _decoder = new PieceDecoder(Model);
    }

    /// <summary>Number of ids: pieces and sentinels. A model's embedding may have more rows.</summary>
    public int VocabularySize => Model.Pieces.Count + ExtraIds;

    /// <summary>Sentinels appended to the pieces.</summary>
    public int ExtraIds { get; }

    /// <summary>Id of <c>&lt;pad&gt;</c>, which is also what T5's decoder starts from.</summary>
    public int PadId { get; }

    /// <summary>Id of <c>&lt;/s&gt;</c>.</summary>
    public int EosId { get; }

    /// <summary>Id of <c>&lt;unk&gt;</c>.</summary>
    public int UnkId { get; }

    /// <summary>The content of <c>spiece.model</c>.</summary>
    public ReadOnlyMemory<byte> ModelBytes => _bytes;

    /// <summary>The parsed model.</summary>
    internal SentencePieceModel Model { get; }

    /// <summary>Loads the tokenizer of a checkpoint or bundle.</summary>
    /// <param name="directory">A directory with <c>spiece.model</c>; <c>tokenizer_config.json</c> may say how many sentinels there are.</param>
    /// <exception cref="InputException">The model is missing, damaged, or no Unigram model with pad and end pieces.</exception>
    public static T5Tokenizer Load(string directory)
    {
        var path = Path.Combine(directory, ModelFileName);
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; expected the tokenizer's SentencePiece model");
        return new T5Tokenizer(TokenizerFiles.ReadBounded(path), TokenizerFiles.ReadExtraIds(directory), path);
    }

    /// <summary>Makes a tokenizer of a model in memory.</summary>
    /// <param name="spieceModel">The content of <c>spiece.model</c>; not to be changed afterwards.</param>
    /// <param name="extraIds">Sentinels appended to the pieces.</param>
    /// <exception cref="InputException">The model is damaged or no Unigram model with pad and end pieces.</exception>
    public static T5Tokenizer FromModel(byte[] spieceModel, int extraIds = 100) => new(spieceModel, extraIds, ModelFileName);

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
    /// Turns ids into text as SentencePiece does. Padding, sentinels and ids beyond the vocabulary, which an embedding padded
    /// to a round size can produce, give nothing; the first <see cref="EosId"/> ends the text.
    /// </summary>
    /// <param name="ids">Ids.</param>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var end = ids.IndexOf(EosId);
        return _decoder.Decode(end < 0 ? ids : ids[..end]);
    }

    /// <summary>The id of <c>&lt;extra_id_k&gt;</c>, which stands for the k-th masked span.</summary>
    /// <param name="k">0 to the number of sentinels less one.</param>
    public int SentinelId(int k)
    {
        if (k >= 0 && k < ExtraIds) return VocabularySize - 1 - k;
        if (_sentinelsInModel.TryGetValue(SentinelName(k), out var id)) return id;
        throw new ArgumentOutOfRangeException(nameof(k), k, $"expected 0 to {Math.Max(ExtraIds, _sentinelsInModel.Count) - 1}");
    }

    /// <summary>Writes <c>spiece.model</c>, <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>.</summary>
    /// <param name="directory">An existing directory.</param>
    public void Save(string directory) => TokenizerFiles.Write(this, directory);

    /// <summary>How sentinels are spelled.</summary>
    internal static string SentinelName(int k) => string.Create(CultureInfo.InvariantCulture, $"<extra_id_{k}>");

    private void Append(ReadOnlySpan<char> text, List<int> ids)
    {
        if (text.IsEmpty) return;
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var normalized = new ByteBuffer(text.Length + 16);
        try
        {
            var count = Encoding.UTF8.GetBytes(text, bytes);
            _normalizer.Normalize(bytes.AsSpan(0, count), ref normalized);
            _segmenter.Segment(normalized.Written, ids);
        }
        finally
        {
            normalized.Dispose();
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private int Find(string piece, string source, string role)
    {
        for (var id = 0; id < Model.Pieces.Count; id++)
        {
            if (Model.Pieces[id].Type == PieceType.Control && Model.Pieces[id].Text == piece) return id;
        }

        throw new InputException($"{source}: no control piece \"{piece}\", expected one as T5's {role} token");
    }
}
