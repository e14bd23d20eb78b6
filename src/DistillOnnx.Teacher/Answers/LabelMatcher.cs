using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Finds which label of a closed set an answer's words name: never one that they negate, never one of several.</summary>
/// <param name="labels">The closed set.</param>
/// <param name="lettered">Whether the labels were shown as choices with letters, so that <c>(b)</c> names the second.</param>
internal sealed partial class LabelMatcher(IReadOnlyList<string> labels, bool lettered)
{
    private readonly List<(string Label, string Key)> _keys = [.. labels.Select(l => (l, Markup.Key(l)))];

    /// <summary>The label that a text is, but for case, punctuation and markup.</summary>
    /// <returns>Null where it is none, or more than one.</returns>
    public string? Exact(string text)
    {
        var bare = Markup.Bare(text);
        foreach (var label in labels)
        {
            if (text.Trim() == label || bare == label) return label;
        }

        var key = Markup.Key(bare);
        var equal = _keys.Where(k => k.Key == key).ToList();
        if (equal.Count > 1) equal = [.. equal.Where(k => string.Equals(k.Label, bare, StringComparison.OrdinalIgnoreCase))];
        return equal.Count == 1 && key.Length > 0 ? equal[0].Label : null;
    }

    /// <summary>The label that a text names.</summary>
    /// <param name="text">The text in the label's place.</param>
    public (string? Label, AnswerFault Fault, bool Mapped) Find(string text)
    {
        if (Exact(text) is { } same) return (same, AnswerFault.None, false);
        if (lettered && Lettered(text) is { } choice) return choice;
        var named = Named(Markup.Key(text));
        if (named.Count == 0) return (null, AnswerFault.UnknownLabel, false);

        // The label first and then its reasons, as in "no, it isn't".
        var head = Head().Match(Markup.Bare(text));
        if (head.Success && named.Count == 1 && Exact(head.Groups["label"].Value) is { } first) return (first, AnswerFault.None, false);
        var clause = Clause().Split(text.Trim(), 2)[0];
        if (named.Count == 1 && Exact(clause) is { } alone) return (alone, AnswerFault.None, false);
        if (named.Count > 1) return (null, AnswerFault.Ambiguous, false);
        var rest = $" {Markup.Key(text)} ".Replace($" {named[0].Key} ", " ", StringComparison.Ordinal);
        return Negation().IsMatch(rest) ? (null, AnswerFault.Ambiguous, false) : (named[0].Label, AnswerFault.None, true);
    }

    private (string? Label, AnswerFault Fault, bool Mapped)? Lettered(string text)
    {
        var match = Letter().Match(Markup.Bare(text.Replace("**", "", StringComparison.Ordinal)));
        if (!match.Success) return null;
        var at = char.ToLowerInvariant(match.Groups["letter"].Value[0]) - 'a';
        if (at >= labels.Count) return (null, AnswerFault.UnknownLabel, false);
        var words = match.Groups["rest"].Value;
        if (Markup.Key(words).Length == 0 || words.Trim().Length == 0) return (labels[at], AnswerFault.None, true);
        if (Exact(words) is { } exact) return exact == labels[at] ? (exact, AnswerFault.None, false) : (null, AnswerFault.Ambiguous, false);
        var others = Named(Markup.Key(words)).Where(n => n.Label != labels[at]);
        return others.Any() || Negation().IsMatch($" {Markup.Key(words)} ")
            ? (null, AnswerFault.Ambiguous, false)
            : (labels[at], AnswerFault.None, true);
    }

    // Of labels within one another, as "entailment" in "not entailment", the longer one is named.
    private List<(string Label, string Key)> Named(string key)
    {
        var named = new List<(string Label, string Key)>();
        var text = $" {key} ";
        foreach (var label in _keys.Where(k => k.Key.Length > 0).OrderByDescending(k => k.Key.Length))
        {
            var found = $" {label.Key} ";
            if (!text.Contains(found, StringComparison.Ordinal)) continue;
            named.Add(label);
            while (text.Contains(found, StringComparison.Ordinal)) text = text.Replace(found, "  | ", StringComparison.Ordinal);
        }

        return named;
    }

    [GeneratedRegex(@"^(?<label>.+?)[*_`""']*\s*(?:[,;:(—–]|\s-\s|\.\s)", RegexOptions.Singleline)]
    private static partial Regex Head();

    [GeneratedRegex(@"(?<=[.!?;])\s|\n")]
    private static partial Regex Clause();

    [GeneratedRegex(
        @"^(?:(?:option|choice|answer)\s+)?(?:[\(\[](?<letter>[A-Za-z])[\)\]][.:]?"
        + @"|(?<letter>[A-Za-z])[\).:]|(?<letter>[A-Za-z])$)\s*(?<rest>.*)$",
        RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Letter();

    [GeneratedRegex(
        @"\s(?:not|no|nor|neither|never|or|either|cannot|without"
        + @"|than|instead|except|unlike|unless|hardly|non|isn|doesn|don|t|cant|isnt|maybe not)\s")]
    private static partial Regex Negation();
}
