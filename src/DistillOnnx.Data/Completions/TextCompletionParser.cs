namespace DistillOnnx.Data.Completions;

/// <summary>Open answers: <c>… So the answer is Paris.</c> The label is the rest of the line.</summary>
internal sealed class TextCompletionParser : CompletionParser
{
    private protected override ReadOnlySpan<string> Stops => new[] { "Q:" };

    private protected override ReadOnlySpan<string> Markers => new[] { "So the answer is", "The answer is", "the answer is", "Answer:" };

    private protected override string? Answer(ReadOnlySpan<char> text, out CompletionFault fault)
    {
        var answer = Line(text);
        fault = answer.IsEmpty ? CompletionFault.NoAnswer : CompletionFault.None;
        return answer.IsEmpty ? null : answer.ToString();
    }
}
