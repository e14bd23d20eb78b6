namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// What tokenizing needs of a <c>spiece.model</c>: the vocabulary and how text is normalised before it is segmented.
/// Field names and defaults are those of SentencePiece's <c>ModelProto</c>.
/// </summary>
internal sealed record SentencePieceModel
{
    /// <summary>U+2581, which stands for a space in pieces.</summary>
    public const char Space = '\u2581';

    /// <summary>The vocabulary in the order of its ids.</summary>
    public required IReadOnlyList<Piece> Pieces { get; init; }

    /// <summary>Replacement rules: a double array and the replacements; empty for none.</summary>
    public ReadOnlyMemory<byte> PrecompiledCharsMap { get; init; }

    /// <summary>What is done to a text before the rules; only a <c>tokenizer.json</c> has this.</summary>
    public IReadOnlyList<TextStep> Steps { get; init; } = [];

    /// <summary>Name of the normalisation.</summary>
    public string NormalizerName { get; init; } = "";

    /// <summary>Whether a space is put before the text.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>Whether spaces at both ends and beyond the first of a run are dropped.</summary>
    public bool RemoveExtraWhitespaces { get; init; } = true;

    /// <summary>Whether a space becomes <see cref="Space"/>.</summary>
    public bool EscapeWhitespaces { get; init; } = true;

    /// <summary>Whether <see cref="AddDummyPrefix"/> puts the space behind the text instead.</summary>
    public bool TreatWhitespaceAsSuffix { get; init; }

    /// <summary>Whether an unknown character is spelled in byte pieces.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>What an unknown piece decodes to.</summary>
    public string UnknownSurface { get; init; } = " \u2047 ";

    /// <summary>The piece that pads.</summary>
    public string PadPiece { get; init; } = "<pad>";

    /// <summary>The piece that ends a sequence.</summary>
    public string EosPiece { get; init; } = "</s>";
}
