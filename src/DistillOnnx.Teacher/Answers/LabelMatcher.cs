using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Finds which label of a closed set an answer's words name: never one that they negate, never one of several.</summary>
/// <param name="labels">The closed set.</param>
/// <param name="lettered">Whether the labels were shown as choices with letters, so that <c>(b)</c> names the second.</param>
internal sealed partial class LabelMatcher(IReadOnlyList<string> labels, bool lettered)
{
    // Labels such as A, A+ and A-, or <=50K and >50K, differ in symbols alone.
    private readonly bool _symbols = labels.DistinctBy(l => Markup.Key(l)).Count() < labels.Count;
    private List<(string Label, string Key)>? _keys;

    private List<(string Label, string Key)> Keys => _keys ??= [.. labels.Select(l => (l, Key(l)))];

    private string Key(string text) => Markup.Key(text, _symbols);

    /// <summary>The label that a text is, but for case, punctuation and markup.</summary>
    /// <returns>Null where it is none, or more than one.</returns>
    public string? Exact(string text)
    {
        if (HasLooseSign(text)) return null;
        var bare = Markup.Bare(text);
        foreach (var written in (string[])[text.Trim(), Markup.Quoted(text), bare])
        {
            if (labels.Contains(written)) return written;
        }

        var key = Key(_symbols ? LatexText.Plain(text) : bare);
        if (key.Length == 0) return null;
        var equal = Keys.Where(k => k.Key == key).ToList();
        if (equal.Count > 1) equal = [.. equal.Where(k => string.Equals(k.Label, bare, StringComparison.OrdinalIgnoreCase))];
        // As one word or as several: "non-toxic" for "nontoxic".
        if (equal.Count == 0) equal = [.. Keys.Where(k => Joined(k.Key) == Joined(key))];
        return equal.Count == 1 ? equal[0].Label : null;
    }

    // A dash apart from its number may be a sign or a bullet.
    private bool HasLooseSign(string text) => LooseSign().IsMatch(text) && Keys.Any(k => k.Key.StartsWith('-'));

    /// <summary>Whether a text names a label other than a given one. Labels of one sign count where they are a line of their own.</summary>
    /// <param name="text">The text.</param>
    /// <param name="label">The given label.</param>
    public bool NamesOther(string text, string label)
    {
        if (text.Length == 0) return false;
        var key = Determiner().Replace($" {Key(text)} ", "  ").Trim();
        return Named(key).Any(n => n.Label != label && n.Key.Length > 1)
            || text.Split('\n').Any(line => line.Length <= 200 && Exact(line) is { } alone && alone != label);
    }

    private static string Joined(string key) => key.Replace(" ", "", StringComparison.Ordinal);

    /// <summary>The label that a text names.</summary>
    /// <param name="text">The text in the label's place.</param>
    public (string? Label, AnswerFault Fault, bool Mapped) Find(string text)
    {
        if (HasLooseSign(text) || NumberSign().IsMatch(text)) return (null, AnswerFault.Ambiguous, false);
        if (Exact(text) is { } same) return (same, AnswerFault.None, false);
        if (lettered && Lettered(text) is { } choice) return choice;
        var named = Named(Key(text));
        if (named.Count == 0) return (null, AnswerFault.UnknownLabel, false);

        // The label first and then its reasons, as in "no, it isn't".
        var head = Head().Match(Markup.Bare(text));
        if (head.Success && Denied().IsMatch(Markup.Bare(text)[head.Groups["label"].Length..])) return (null, AnswerFault.Ambiguous, false);
        if (head.Success && named.Count == 1 && Exact(head.Groups["label"].Value) is { } first) return (first, AnswerFault.None, false);
        var clause = Clause().Split(text.Trim(), 2)[0];
        if (named.Count == 1 && Exact(clause) is { } alone) return (alone, AnswerFault.None, false);
        if (named.Count > 1) return (null, AnswerFault.Ambiguous, false);
        var rest = $" {Key(text)} ".Replace($" {named[0].Key} ", " | ", StringComparison.Ordinal);
        // "No" before another word is no answer: "no information".
        if (named[0].Key is "no" or "none" or "not" && Determiner().IsMatch($" {Key(text)} ")) return (null, AnswerFault.Ambiguous, false);
        return Negation().IsMatch(rest) ? (null, AnswerFault.Ambiguous, false) : (named[0].Label, AnswerFault.None, true);
    }

    private (string? Label, AnswerFault Fault, bool Mapped)? Lettered(string text)
    {
        var match = Letter().Match(Markup.Bare(text.Replace("**", "", StringComparison.Ordinal)));
        if (!match.Success) return null;
        var at = char.ToLowerInvariant(match.Groups["letter"].Value[0]) - 'a';
        if (at >= labels.Count) return (null, AnswerFault.UnknownLabel, false);
        var words = match.Groups["rest"].Value;
        if (Key(words).Length == 0 || words.Trim().Length == 0) return (labels[at], AnswerFault.None, true);
        if (Exact(words) is { } exact) return exact == labels[at] ? (exact, AnswerFault.None, false) : (null, AnswerFault.Ambiguous, false);
        var others = Named(Key(words)).Where(n => n.Label != labels[at]);
        return others.Any() || Negation().IsMatch($" {Key(words)} ")
            ? (null, AnswerFault.Ambiguous, false)
            : (labels[at], AnswerFault.None, true);
    }

    // Of labels within one another, as "entailment" in "not entailment", the longer one is named.
    private List<(string Label, string Key)> Named(string key)
    {
        var named = new List<(string Label, string Key)>();
        var text = $" {key} ";
        foreach (var label in Keys.Where(k => k.Key.Length > 0).GroupBy(k => k.Key).OrderByDescending(k => k.Key.Length))
        {
            var found = $" {label.Key} ";
            if (!text.Contains(found, StringComparison.Ordinal)) continue;
            // Labels that differ in case alone are all named.
            named.AddRange(label);
            while (text.Contains(found, StringComparison.Ordinal)) text = text.Replace(found, "  | ", StringComparison.Ordinal);
        }

        return named;
    }

    [GeneratedRegex(@"^(?<label>.+?)[*_`""']*\s*(?:[,;:(—–]|\s-\s|\.\s)", RegexOptions.Singleline)]
    private static partial Regex Head();

    // "Bug: no", a label and what is said of it.
    [GeneratedRegex(@"^[*_`""']*\s*:[*_`\s]*(?:no|not|false|0)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Denied();

    [GeneratedRegex(@"^\W*[-−–]\s+\d")]
    private static partial Regex LooseSign();

    [GeneratedRegex(@"^\W*no\.\s*\d", RegexOptions.IgnoreCase)]
    private static partial Regex NumberSign();

    [GeneratedRegex(@"\s(?:no|none|not)\s(?!(?:because|since|as|due|given|here|based)\b)(?=\w)")]
    private static partial Regex Determiner();

    [GeneratedRegex(@"(?<=[.!?;])\s|\n")]
    private static partial Regex Clause();

    [GeneratedRegex(
        @"^(?:(?:option|choice|answer)\s+)?(?:[\(\[](?<letter>[A-Za-z])[\)\]][.:]?"
        + @"|(?<letter>[A-Za-z])[\).:]|(?<letter>[A-Za-z])$)\s*(?<rest>.*)$",
        RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Letter();

    [GeneratedRegex(
        @"\s(?:not|no|nor|neither|never|or|either|cannot|without"
        + @"|than|instead|except|unlike|unless|hardly|non|isn|doesn|don|t|cant|isnt|maybe not"
        + @"|if|(?:anything|all|everything) but|lacks?|lacking|rul(?:e|es|ed|ing) out|exclud(?:e|es|ed|ing)|absence|unlikely"
        + @"|(?:false|former|formerly|wrong|wrongly) \||\| (?:free|fix|fixes|fixed))\s")]
    private static partial Regex Negation();
}
