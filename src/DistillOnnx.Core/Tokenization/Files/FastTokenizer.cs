using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>What a <c>tokenizer.json</c> says.</summary>
/// <param name="Pieces">The vocabulary with its scores.</param>
/// <param name="UnkId">Id of the unknown piece.</param>
/// <param name="ByteFallback">Whether unknown characters are spelled in bytes.</param>
/// <param name="CharsMap">Replacement rules; empty for none.</param>
/// <param name="Spaces">What is done with spaces.</param>
/// <param name="EndToken">The token that closes every text.</param>
internal sealed record FastTokenizer(
    IReadOnlyList<(string Text, float Score)> Pieces, int UnkId, bool ByteFallback, byte[] CharsMap, SpaceRules Spaces, string EndToken);
