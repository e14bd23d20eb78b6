namespace DistillOnnx.Data.Completions;

/// <summary>
/// Questions with choices (CommonsenseQA): <c>… So the answer is (d) math problem.</c> The label is the text after the first
/// letter, as written; it may differ from every choice, and then it is a wrong answer.
/// </summary>
internal sealed class ChoiceCompletionParser : CompletionParser
{
    private protected override ReadOnlySpan<string> Stops => new[] { "Q:" };

    private protected override ReadOnlySpan<string> Markers => new[] { "So the answer is", "the answer is", "The answer is", "Answer:" };

    private protected override string? Answer(ReadOnlySpan<char> text, out CompletionFault fault)
    {
        text = Line(text);
        fault = CompletionFault.NoChoice;
        for (var i = 0; i + 2 < text.Length; i++)
        {
            if (text[i] != '(' || text[i + 2] != ')') continue;
            var label = text[(i + 3)..].Trim();
            if (label.IsEmpty) return null;
            fault = CompletionFault.None;
            return label.ToString();
        }

        return null;
    }
}
