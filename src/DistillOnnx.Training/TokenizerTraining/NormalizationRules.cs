namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>
/// The rules of tokenizers trained here: every kind of space becomes a space, control characters vanish, full-width ASCII
/// becomes ASCII. That is the part of SentencePiece's <c>nmt_nfkc</c> that matters for text typed in; other characters are
/// kept as they are. A fixed table, so that a trained model does not depend on the system's Unicode version.
/// </summary>
internal static class NormalizationRules
{
    /// <summary>The name written to the model.</summary>
    public const string Name = "spaces";

    private static readonly (int First, int Last)[] Spaces =
    [
        (0x09, 0x0A), (0x0C, 0x0D), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200F), (0x2028, 0x2029), (0x202F, 0x202F),
        (0x205F, 0x205F), (0x2581, 0x2581), (0x3000, 0x3000), (0xFEFF, 0xFEFF), (0xFFFD, 0xFFFD),
    ];

    private static readonly (int First, int Last)[] Dropped =
    [
        (0x01, 0x08), (0x0B, 0x0B), (0x0E, 0x1F), (0x7F, 0x7F), (0x8F, 0x8F), (0x9F, 0x9F),
    ];

    /// <summary>What is replaced and by what.</summary>
    public static IReadOnlyDictionary<string, string> All()
    {
        var rules = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var c in Characters(Spaces)) rules.Add(c, " ");
        foreach (var c in Characters(Dropped)) rules.Add(c, "");
        for (var c = 0xFF01; c <= 0xFF5E; c++) rules.Add(char.ToString((char)c), char.ToString((char)(c - 0xFF01 + '!')));
        return rules;
    }

    private static IEnumerable<string> Characters((int First, int Last)[] ranges) =>
        ranges.SelectMany(r => Enumerable.Range(r.First, r.Last - r.First + 1)).Select(c => char.ToString((char)c));
}
