using System.Buffers;
using System.Text;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>Unigram pieces, as in T5 and mT5.</summary>
internal sealed class UnigramModel : ITokenModel
{
    private readonly TextNormalizer _normalizer;
    private readonly UnigramSegmenter _segmenter;
    private readonly PieceDecoder _decoder;
    private readonly Dictionary<string, int> _sentinels;

    /// <summary>Creates it.</summary>
    /// <param name="model">Pieces and normalisation.</param>
    /// <param name="extraIds">Sentinels behind the pieces; null: 100, or none where they are among the pieces, as in mT5.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="InputException">There is no pad, end or unknown piece.</exception>
    public UnigramModel(SentencePieceModel model, int? extraIds, string source)
    {
        Model = model;
        _normalizer = new TextNormalizer(model, source);
        _segmenter = new UnigramSegmenter(model, source);
        _decoder = new PieceDecoder(model);
        PadId = Find(model.PadPiece, source, "pad");
        EosId = Find(model.EosPiece, source, "end");
        UnkId = Enumerable.Range(0, model.Pieces.Count).First(i => model.Pieces[i].Type == PieceType.Unknown);
        _sentinels = model.Pieces
            .Select((p, i) => (Text: p.Text.TrimStart(SentencePieceModel.Space), Id: i))
            .Where(p => p.Text.StartsWith("<extra_id_", StringComparison.Ordinal))
            .DistinctBy(p => p.Text, StringComparer.Ordinal)
            .ToDictionary(p => p.Text, p => p.Id, StringComparer.Ordinal);
        ExtraIds = extraIds ?? (_sentinels.Count > 0 ? 0 : 100);
    }

    /// <summary>The pieces.</summary>
    public SentencePieceModel Model { get; }

    public int Count => Model.Pieces.Count;

    public int ExtraIds { get; }

    public int PadId { get; }

    public int EosId { get; }

    public int UnkId { get; }

    /// <summary>Sentinels among the pieces.</summary>
    public int SentinelsInModel => _sentinels.Count;

    public string? TokenOf(int id) =>
        (uint)id < (uint)Count ? Model.Pieces[id].Text
        : id >= Count && id < Count + ExtraIds ? T5Tokenizer.SentinelName(Count + ExtraIds - 1 - id)
        : null;

    public int SentinelId(int k) =>
        k >= 0 && k < ExtraIds ? Count + ExtraIds - 1 - k
        : _sentinels.TryGetValue(T5Tokenizer.SentinelName(k), out var id) ? id
        : -1;

    public void Append(ReadOnlySpan<char> text, SegmentForm form, List<int> ids)
    {
        if (text.IsEmpty) return;
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var normalized = new ByteBuffer(text.Length + 16);
        try
        {
            var count = Encoding.UTF8.GetBytes(text, bytes);
            _normalizer.Normalize(bytes.AsSpan(0, count), ref normalized, form);
            _segmenter.Segment(normalized.Written, ids);
        }
        finally
        {
            normalized.Dispose();
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public string ApplyRules(ReadOnlySpan<char> text) => _normalizer.ApplyRules(text);

    public string Decode(ReadOnlySpan<int> ids, IReadOnlyDictionary<int, string>? added) => _decoder.Decode(ids, added);

    private int Find(string piece, string source, string role)
    {
        for (var id = 0; id < Model.Pieces.Count; id++)
        {
            if (Model.Pieces[id].Type == PieceType.Control && Model.Pieces[id].Text == piece) return id;
        }

        throw new InputException($"{source}: no control piece \"{piece}\", expected one as T5's {role} token");
    }
}
