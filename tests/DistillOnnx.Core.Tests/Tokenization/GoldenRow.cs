namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>A text and what SentencePiece makes of it.</summary>
internal sealed record GoldenRow(string Text, int[] Ids, string Decoded);
