using DistillOnnx.Core.Protobuf;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>Writes a model as SentencePiece's <c>ModelProto</c>, so that SentencePiece and Hugging Face load it.</summary>
internal static class SentencePieceModelWriter
{
    /// <summary>The content of <c>spiece.model</c>.</summary>
    /// <param name="model">A model whose pad, end and unknown pieces have the ids that T5 expects.</param>
    public static byte[] Write(SentencePieceModel model)
    {
        var file = new ProtoWriter();
        foreach (var piece in model.Pieces)
        {
            var message = new ProtoWriter().Text(1, piece.Text).Float(2, piece.Score);
            if (piece.Type != PieceType.Normal) message.Varint(3, (int)piece.Type);
            file.Bytes(1, message.ToArray());
        }

        int IdOf(PieceType type, string? text) =>
            Enumerable.Range(0, model.Pieces.Count)
                .First(i => model.Pieces[i].Type == type && (text is null || model.Pieces[i].Text == text));

        var unknown = IdOf(PieceType.Unknown, null);
        file.Bytes(2, new ProtoWriter()
            .Varint(3, 1)
            .Varint(4, model.Pieces.Count)
            .Varint(24, model.TreatWhitespaceAsSuffix ? 1 : 0)
            .Varint(35, model.ByteFallback ? 1 : 0)
            .Varint(40, unknown)
            .Varint(41, -1)
            .Varint(42, IdOf(PieceType.Control, model.EosPiece))
            .Varint(43, IdOf(PieceType.Control, model.PadPiece))
            .Text(44, model.UnknownSurface)
            .Text(45, model.Pieces[unknown].Text)
            .Text(47, model.EosPiece)
            .Text(48, model.PadPiece)
            .ToArray());
        file.Bytes(3, new ProtoWriter()
            .Text(1, model.NormalizerName)
            .Bytes(2, model.PrecompiledCharsMap.Span)
            .Varint(3, model.AddDummyPrefix ? 1 : 0)
            .Varint(4, model.RemoveExtraWhitespaces ? 1 : 0)
            .Varint(5, model.EscapeWhitespaces ? 1 : 0)
            .ToArray());
        return file.ToArray();
    }
}
