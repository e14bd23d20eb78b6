using System.Text;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>Joins pieces to text as SentencePiece does.</summary>
internal sealed class PieceDecoder
{
    private readonly SentencePieceModel _model;
    private readonly string[] _texts;
    private readonly bool _dropsLeadingSpace;

    /// <summary>Creates the decoder of a model.</summary>
    /// <param name="model">The model.</param>
    public PieceDecoder(SentencePieceModel model)
    {
        _model = model;
        _dropsLeadingSpace = model.AddDummyPrefix || model.RemoveExtraWhitespaces;
        _texts = [.. model.Pieces.Select(p => p.Text.Replace(SentencePieceModel.Space, ' '))];
    }

    /// <summary>Decodes; ids outside the model give nothing.</summary>
    /// <param name="ids">Ids.</param>
    /// <param name="added">Added tokens that are text, by id; null for none.</param>
    public string Decode(ReadOnlySpan<int> ids, IReadOnlyDictionary<int, string>? added = null)
    {
        var text = new StringBuilder();
        var bytes = new List<byte>();
        var leading = true;
        foreach (var id in ids)
        {
            if (added is not null && added.TryGetValue(id, out var content))
            {
                if (content.Length == 0) continue;
                Flush(bytes, text);
                text.Append(content);
                leading = false;
                continue;
            }

            if ((uint)id >= (uint)_texts.Length) continue;
            var type = _model.Pieces[id].Type;
            if (type == PieceType.Byte)
            {
                bytes.Add((byte)SentencePieceModelReader.ByteOf(_texts[id]));
                continue;
            }

            Flush(bytes, text);
            if (text.Length > 0) leading = false;
            if (type == PieceType.Control) continue;
            if (type == PieceType.Unknown)
            {
                text.Append(_model.UnknownSurface);
                continue;
            }

            var piece = _texts[id].AsSpan();
            if (leading && _dropsLeadingSpace && _model.Pieces[id].Text[0] == SentencePieceModel.Space)
            {
                piece = piece[1..];
                // Where runs of spaces are kept, only the one that was put in front is dropped.
                if (!_model.RemoveExtraWhitespaces) leading = false;
            }

            text.Append(piece);
        }

        Flush(bytes, text);
        return text.ToString();
    }

    /// <summary>Bytes become characters; what is not UTF-8 becomes one U+FFFD a byte.</summary>
    private static void Flush(List<byte> bytes, StringBuilder text)
    {
        var rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        while (!rest.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(rest, out var rune, out var used) == System.Buffers.OperationStatus.Done;
            text.Append(valid ? rune.ToString() : "\uFFFD");
            rest = rest[(valid ? used : 1)..];
        }

        bytes.Clear();
    }
}
