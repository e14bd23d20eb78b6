using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>What a <c>tokenizer.json</c> says.</summary>
/// <param name="Pieces">The vocabulary with its scores.</param>
/// <param name="UnkId">Id of the unknown piece.</param>
/// <param name="ByteFallback">Whether unknown characters are spelled in bytes.</param>
/// <param name="Steps">What is done to a text before the rules.</param>
/// <param name="CharsMap">Replacement rules; empty for none.</param>
/// <param name="Spaces">What is done with spaces.</param>
/// <param name="EndToken">The token that closes every text.</param>
internal sealed record FastTokenizer(
    IReadOnlyList<(string Text, float Score)> Pieces,
    int UnkId,
    bool ByteFallback,
    IReadOnlyList<TextStep> Steps,
    byte[] CharsMap,
    SpaceRules Spaces,
    string EndToken)
{
    /// <summary>
    /// Whether texts are divided at white space and otherwise as they are: so transformers 5.0 to 5.2 write any T5's file.
    /// </summary>
    public bool HasNoNormalizer => CharsMap.Length == 0 && Spaces.SplitsAtSpaces && Steps.All(s => s.Kind == TextStepKind.Spaces);
}
