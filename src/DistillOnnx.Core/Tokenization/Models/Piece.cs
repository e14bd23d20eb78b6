namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>One piece of the vocabulary; its id is its position in the model.</summary>
/// <param name="Text">The piece, with U+2581 for a space.</param>
/// <param name="Score">Log-probability.</param>
/// <param name="Type">What it stands for.</param>
internal readonly record struct Piece(string Text, float Score, PieceType Type);
