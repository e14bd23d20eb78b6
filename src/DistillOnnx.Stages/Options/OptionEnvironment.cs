using System.Collections;

namespace DistillOnnx.Stages.Options;

/// <summary>Environment variables as a source of options: <c>DISTILL_VERB_OPTION</c>.</summary>
public static class OptionEnvironment
{
    /// <summary>What every variable of ours begins with.</summary>
    public const string Prefix = "DISTILL_";

    /// <summary>This process's variables that begin with <see cref="Prefix"/>.</summary>
    public static IReadOnlyDictionary<string, string> OfProcess() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .Where(e => ((string)e.Key).StartsWith(Prefix, StringComparison.Ordinal))
        .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);

    /// <summary>Names the variables that no option reads, each with the nearest name that one does.</summary>
    /// <param name="environment">Variables by name.</param>
    /// <param name="known">Names that this verb and the program read.</param>
    /// <param name="verbs">All verbs: the variables of the others are theirs to check.</param>
    /// <param name="verb">The verb that runs.</param>
    internal static IEnumerable<string> Unknown(
        IReadOnlyDictionary<string, string> environment, IReadOnlyCollection<string> known, IReadOnlyCollection<string> verbs, string verb)
    {
        foreach (var name in environment.Keys.Where(k => k.StartsWith(Prefix, StringComparison.Ordinal)
            && !known.Contains(k)).Order(StringComparer.Ordinal))
        {
            if (verbs.Any(v => v != verb && name.StartsWith($"{Prefix}{v}_", StringComparison.OrdinalIgnoreCase))) continue;
            var rest = name[Prefix.Length..].Split('_', 2);
            var otherVerb = rest.Length == 2 && NearestName.Find(rest[0], verbs) is { } near
                ? $"{Prefix}{near.ToUpperInvariant()}_{rest[1]}"
                : null;
            var suggestion = NearestName.Find(name, known) ?? otherVerb;
            yield return $"{name}: no option reads this environment variable" + (suggestion is null ? "" : $"; did you mean {suggestion}?");
        }
    }
}
