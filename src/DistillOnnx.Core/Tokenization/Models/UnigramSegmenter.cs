using System.Buffers;
using System.Text;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// Finds the most probable segmentation of normalised text under a unigram language model (Kudo 2018) with one forward pass
/// of Viterbi over the trie of pieces. Sums are rounded to float, and of equal paths the one whose last piece begins first
/// wins, exactly as in SentencePiece: otherwise long runs of one character come out differently.
/// </summary>
internal sealed class UnigramSegmenter
{
    /// <summary>How far below the worst piece an unknown character scores.</summary>
    private const float UnknownPenalty = 10f;

    private readonly PieceTrie _trie;
    private readonly float[] _scores;
    private readonly bool _hasWhole;
    private readonly bool[] _whole;
    private readonly float _maxScore;
    private readonly float _unknownScore;
    private readonly int _unknownId;

    /// <summary>For each byte, the id of its piece, where unknown characters are spelled in bytes.</summary>
    private readonly int[]? _bytePieces;

    /// <summary>Creates the segmenter of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="source">The file, for messages.</param>
    public UnigramSegmenter(SentencePieceModel model, string source)
    {
        var keys = new List<byte[]>(model.Pieces.Count);
        var ids = new List<int>(model.Pieces.Count);
        _scores = new float[model.Pieces.Count];
        _whole = new bool[model.Pieces.Count];
        if (model.ByteFallback) _bytePieces = new int[256];
        var min = float.MaxValue;
        // SentencePiece starts from the smallest positive float, so the maximum of log-probabilities is practically 0.
        _maxScore = 1.17549435e-38f;
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var piece = model.Pieces[id];
            _scores[id] = piece.Score;
            switch (piece.Type)
            {
                case PieceType.Normal:
                    min = Math.Min(min, piece.Score);
                    _maxScore = Math.Max(_maxScore, piece.Score);
                    break;
                case PieceType.UserDefined:
                    _hasWhole = _whole[id] = true;
                    break;
                case PieceType.Unknown:
                    _unknownId = id;
                    continue;
                case PieceType.Byte:
                    if (_bytePieces is not null) _bytePieces[SentencePieceModelReader.ByteOf(piece.Text)] = id;
                    continue;
                default:
                    continue;
            }

            keys.Add(Encoding.UTF8.GetBytes(piece.Text));
            ids.Add(id);
        }

        if (min == float.MaxValue) throw new InputException($"{source}: no piece of type normal, expected at least one");
        _unknownScore = min - UnknownPenalty;
        _trie = PieceTrie.Build(keys, ids, source);
    }

    /// <summary>Segments.</summary>
    /// <param name="text">Normalised UTF-8.</param>
    /// <param name="ids">Receives the ids; adjacent unknown pieces are one.</param>
    public void Segment(ReadOnlySpan<byte> text, List<int> ids)
    {
        if (text.IsEmpty) return;
        var rented = ArrayPool<Step>.Shared.Rent(text.Length + 1);
        try
        {
            var steps = rented.AsSpan(0, text.Length + 1);
            Forward(text, steps);
            Collect(text, steps, ids);
        }
        finally
        {
            ArrayPool<Step>.Shared.Return(rented);
        }
    }

    private void Forward(ReadOnlySpan<byte> text, Span<Step> steps)
    {
        steps.Fill(new Step { Score = float.NegativeInfinity });
        steps[0].Score = 0;
        var slots = _trie.Slots;
        var root = slots[0].Link >> 8;
        var scores = _scores;
        for (var start = 0; start < text.Length;)
        {
            var here = steps[start].Score;
            var width = Math.Min(CharLength(text[start]), text.Length - start);
            var single = false;
            var node = root;
            for (var at = start; at < text.Length; at++)
            {
                var label = text[at];
                var slot = slots[(int)(node ^ label)];
                if ((byte)slot.Link != label) break;
                node = slot.Link >> 8;
                if (slot.Value < 0) continue;
                var score = _hasWhole && _whole[slot.Value]
                    ? ((at + 1 - start) * _maxScore) - 0.1
                    : scores[slot.Value];
                var total = score + here;
                ref var target = ref steps[at + 1];
                if (total > target.Score)
                {
                    target.Score = (float)total;
                    target.Start = start;
                    target.Id = slot.Value;
                }

                single |= at + 1 - start == width;
            }

            if (!single)
            {
                var total = _unknownScore + here;
                ref var target = ref steps[start + width];
                if (total > target.Score)
                {
                    target.Score = total;
                    target.Start = start;
                    target.Id = _unknownId;
                }
            }

            start += width;
        }
    }

    private void Collect(ReadOnlySpan<byte> text, ReadOnlySpan<Step> steps, List<int> ids)
    {
        var first = ids.Count;
        for (var end = text.Length; end > 0; end = steps[end].Start)
        {
            var id = steps[end].Id;
            if (id != _unknownId)
            {
                ids.Add(id);
            }
            else if (_bytePieces is not null)
            {
                for (var at = end - 1; at >= steps[end].Start; at--) ids.Add(_bytePieces[text[at]]);
            }
            else if (ids.Count == first || ids[^1] != _unknownId)
            {
                ids.Add(id);
            }
        }

        ids.Reverse(first, ids.Count - first);
    }

    private static int CharLength(byte lead) => lead switch
    {
        < 0xC0 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };

    /// <summary>The last step of the best path to a position.</summary>
    private struct Step
    {
        /// <summary>Log-probability of the path.</summary>
        public float Score;

        /// <summary>Where the step begins.</summary>
        public int Start;

        /// <summary>The piece.</summary>
        public int Id;
    }
}
