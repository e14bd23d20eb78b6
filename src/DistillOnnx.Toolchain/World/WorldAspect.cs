namespace DistillOnnx.Toolchain.World;

/// <summary>
/// Something that a text tells by a word and a question asks for by what the word means: a text says "trout", a question "an animal".
/// </summary>
/// <param name="WordsByValue">Words by what they mean.</param>
internal sealed record WorldAspect(IReadOnlyDictionary<string, IReadOnlyList<string>> WordsByValue)
{
    /// <summary>What each word means.</summary>
    public IReadOnlyDictionary<string, string> Values { get; } =
        WordsByValue.SelectMany(g => g.Value.Select(w => (Word: w, Value: g.Key))).ToDictionary(
            p => p.Word, p => p.Value, StringComparer.Ordinal);

    /// <summary>All words, in a fixed order.</summary>
    public IReadOnlyList<string> Words { get; } = [.. WordsByValue.Values.SelectMany(w => w)];

    /// <summary>All meanings, in a fixed order.</summary>
    public IReadOnlyList<string> Meanings { get; } = [.. WordsByValue.Keys];
}
