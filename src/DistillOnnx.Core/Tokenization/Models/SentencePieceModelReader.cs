using System.Text;
using DistillOnnx.Core.Protobuf;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// Reads <c>spiece.model</c>, SentencePiece's <c>ModelProto</c>. What SentencePiece itself refuses is refused here, and so is
/// what cannot be a T5 tokenizer (another algorithm than Unigram).
/// </summary>
internal static class SentencePieceModelReader
{
    private const int UnigramModel = 1;

    /// <summary>What the file should be, for messages.</summary>
    private const string Expected = "a SentencePiece model";

    /// <summary>Longest piece taken, in bytes; SentencePiece trains at most a few dozen. Bounds the work per position.</summary>
    private const int MaxPieceBytes = 2048;

    /// <summary>Scores are log-probabilities; sums of anything near float's limit would not order paths.</summary>
    private const float MaxScore = 1e9f;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Parses a model.</summary>
    /// <param name="data">The file's content.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="InputException">The content is damaged, hostile, or no Unigram model.</exception>
    public static SentencePieceModel Read(ReadOnlySpan<byte> data, string source)
    {
        var pieces = new List<Piece>();
        var model = new SentencePieceModel { Pieces = pieces };
        var reader = new ProtoReader(data, source, Expected);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: pieces.Add(ReadPiece(reader.ReadBytes(out var at), source, at, pieces.Count)); break;
                case 2: model = ReadTrainer(model, reader.ReadBytes(out at), source, at); break;
                case 3: model = ReadNormalizer(model, reader.ReadBytes(out at), source, at); break;
                default: reader.Skip(); break;
            }
        }

        Validate(model, source);
        return model;
    }

    private static Piece ReadPiece(ReadOnlySpan<byte> data, string source, int origin, int id)
    {
        var text = "";
        var score = 0f;
        var type = PieceType.Normal;
        var reader = new ProtoReader(data, source, Expected, origin);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    var bytes = reader.ReadBytes(out _);
                    if (bytes.Length > MaxPieceBytes)
                        throw new InputException($"{source}: piece {id} has {bytes.Length} bytes, expected at most {MaxPieceBytes}");
                    text = ReadText(bytes, source, $"piece {id}");
                    break;
                case 2: score = reader.ReadFloat(); break;
                case 3: type = (PieceType)reader.ReadInt32(); break;
                default: reader.Skip(); break;
            }
        }

        if (text.Length == 0) throw new InputException($"{source}: piece {id} is empty");
        if (text.Contains('\0')) throw new InputException($"{source}: piece {id} contains a NUL character");
        if (!(Math.Abs(score) <= MaxScore))
            throw new InputException($"{source}: piece {id} has score {score}, expected a finite log-probability");
        if (!Enum.IsDefined(type)) throw new InputException($"{source}: piece {id} has type {(int)type}, expected 1 to 6");
        return new Piece(text, score, type);
    }

    private static SentencePieceModel ReadTrainer(SentencePieceModel model, ReadOnlySpan<byte> data, string source, int origin)
    {
        var reader = new ProtoReader(data, source, Expected, origin);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    var type = reader.ReadInt32();
                    if (type != UnigramModel)
                        throw new InputException($"{source}: model type {type}, expected {UnigramModel} (Unigram), which T5 uses");
                    break;
                case 24: model = model with { TreatWhitespaceAsSuffix = reader.ReadBool() }; break;
                case 35: model = model with { ByteFallback = reader.ReadBool() }; break;
                case 44: model = model with { UnknownSurface = ReadText(reader.ReadBytes(out _), source, "unk_surface") }; break;
                case 47: model = model with { EosPiece = ReadText(reader.ReadBytes(out _), source, "eos_piece") }; break;
                case 48: model = model with { PadPiece = ReadText(reader.ReadBytes(out _), source, "pad_piece") }; break;
                default: reader.Skip(); break;
            }
        }

        return model;
    }

    private static SentencePieceModel ReadNormalizer(SentencePieceModel model, ReadOnlySpan<byte> data, string source, int origin)
    {
        var reader = new ProtoReader(data, source, Expected, origin);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: model = model with { NormalizerName = ReadText(reader.ReadBytes(out _), source, "normalizer name") }; break;
                case 2: model = model with { PrecompiledCharsMap = reader.ReadBytes(out _).ToArray() }; break;
                case 3: model = model with { AddDummyPrefix = reader.ReadBool() }; break;
                case 4: model = model with { RemoveExtraWhitespaces = reader.ReadBool() }; break;
                case 5: model = model with { EscapeWhitespaces = reader.ReadBool() }; break;
                default: reader.Skip(); break;
            }
        }

        return model;
    }

    /// <summary>Refuses a vocabulary that cannot be segmented with.</summary>
    /// <param name="model">The model.</param>
    /// <param name="source">The file, for messages.</param>
    internal static void Validate(SentencePieceModel model, string source)
    {
        if (model.Pieces.Count == 0) throw new InputException($"{source}: not {Expected}: it has no pieces");
        var seen = new Dictionary<string, int>(model.Pieces.Count, StringComparer.Ordinal);
        var unknown = -1;
        var bytes = 0;
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var piece = model.Pieces[id];
            if (!seen.TryAdd(piece.Text, id))
                throw new InputException($"{source}: pieces {seen[piece.Text]} and {id} are the same, \"{piece.Text}\"");
            if (piece.Type == PieceType.Unknown)
            {
                if (unknown >= 0) throw new InputException($"{source}: pieces {unknown} and {id} are both of type unknown, expected one");
                unknown = id;
            }
            else if (piece.Type == PieceType.Byte)
            {
                if (ByteOf(piece.Text) < 0)
                    throw new InputException($"{source}: byte piece {id} is \"{piece.Text}\", expected the form <0x00>");
                bytes++;
            }
        }

        if (unknown < 0) throw new InputException($"{source}: no piece of type unknown, expected one");
        if (model.ByteFallback && bytes != 256) throw new InputException($"{source}: byte fallback with {bytes} byte pieces, expected 256");
    }

    /// <summary>The byte that a piece such as <c>&lt;0x0A&gt;</c> spells, or −1.</summary>
    internal static int ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && IsUpperHex(piece[3]) && IsUpperHex(piece[4])
            ? Convert.ToInt32(piece.Substring(3, 2), 16)
            : -1;

    private static bool IsUpperHex(char c) => char.IsAsciiDigit(c) || c is >= 'A' and <= 'F';

    private static string ReadText(ReadOnlySpan<byte> bytes, string source, string what)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{source}: {what} is not UTF-8", e);
        }
    }
}
