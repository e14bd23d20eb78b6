using System.Text.RegularExpressions;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>What a tokenizer does with spaces where added tokens cut a text into segments.</summary>
/// <param name="Prefix">Where a space is put in front.</param>
/// <param name="SplitsAtSpaces">Whether each segment is split at its spaces, which then are dropped at its end.</param>
internal sealed partial record SpaceRules(PrefixScheme Prefix, bool SplitsAtSpaces)
{
    /// <summary>How T5's tokenizers were converted at first, and what their "legacy" means.</summary>
    public static SpaceRules Legacy { get; } = new(PrefixScheme.Always, true);

    /// <summary>How they are converted where "legacy" is false.</summary>
    public static SpaceRules First { get; } = new(PrefixScheme.First, false);

    /// <summary>What a segment is before added tokens are looked for in it.</summary>
    /// <param name="model">Gives the replacement rules.</param>
    /// <param name="text">The segment.</param>
    public string Normalize(ITokenModel model, ReadOnlySpan<char> text)
    {
        var normal = model.ApplyRules(text);
        return SplitsAtSpaces || model is not UnigramModel ? normal : Runs().Replace(normal.TrimEnd(), "\u2581");
    }

    [GeneratedRegex(" {2,}")]
    private static partial Regex Runs();
}
