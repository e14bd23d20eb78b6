namespace DistillOnnx.Data.Completions;

/// <summary>
/// Word problems (SVAMP): <c>… The answer is (7 * 36).</c> The label runs from the first parenthesis to the last one on its
/// line, which is how the paper's published accuracies were computed. Of several equations joined by <c>and</c> the last counts.
/// </summary>
internal sealed class EquationCompletionParser : CompletionParser
{
    private const string And = " and ";

    private protected override ReadOnlySpan<string> Stops => new[] { "Q:" };

    private protected override ReadOnlySpan<string> Markers => new[] { "The answer is", "the answer is" };

    private protected override string? Answer(ReadOnlySpan<char> text, out CompletionFault fault)
    {
        foreach (var line in text.EnumerateLines())
        {
            var open = line.IndexOf('(');
            var close = line.LastIndexOf(')');
            if (open < 0 || close < open) continue;
            fault = CompletionFault.None;
            return Last(line[open..(close + 1)]).ToString();
        }

        fault = CompletionFault.NoEquation;
        return null;
    }

    private static ReadOnlySpan<char> Last(ReadOnlySpan<char> label)
    {
        var at = label.LastIndexOf(And, StringComparison.Ordinal);
        if (at < 0) return label;
        label = label[(at + And.Length)..].Trim();

        // A pair around the whole lost its opening half.
        while (label.Count(')') > label.Count('(')) label = label[..^1].TrimEnd();
        return label;
    }
}
