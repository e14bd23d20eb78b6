namespace DistillOnnx.Data.Completions;

/// <summary>
/// Tasks with one closed set (natural language inference): <c>… So the answer is neutral.</c> or a line <c>Answer: neutral</c>.
/// </summary>
/// <param name="labels">The closed set.</param>
internal sealed class LabelCompletionParser(IReadOnlyList<string> labels) : CompletionParser
{
    private protected override ReadOnlySpan<string> Stops => new[] { "Premise:", "\nQ:" };

    private protected override ReadOnlySpan<string> Markers => new[] { "So the answer is", "Answer:" };

    private protected override string? Answer(ReadOnlySpan<char> text, out CompletionFault fault)
    {
        var answer = Line(text);
        foreach (var label in labels)
        {
            if (!answer.Equals(label.AsSpan().Trim(), StringComparison.OrdinalIgnoreCase)) continue;
            fault = CompletionFault.None;
            return label;
        }

        fault = CompletionFault.UnknownLabel;
        return null;
    }
}
