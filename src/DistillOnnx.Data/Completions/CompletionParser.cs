using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Data.Completions;

/// <summary>
/// Turns a chain-of-thought completion into rationale and label. A completion runs on past its answer into the next
/// question of the prompt's pattern; it is cut there first.
/// </summary>
public abstract class CompletionParser
{
    private protected CompletionParser()
    {
    }

    /// <summary>What starts the next question of the prompt's pattern.</summary>
    private protected abstract ReadOnlySpan<string> Stops { get; }

    /// <summary>What leads to the answer; the first of these that the text holds counts.</summary>
    private protected abstract ReadOnlySpan<string> Markers { get; }

    /// <summary>The parser for a task's completions.</summary>
    /// <param name="task">The task.</param>
    public static CompletionParser For(TaskSpec task) => task.Kind switch
    {
        TaskKind.Labels => new LabelCompletionParser(task.Labels!),
        TaskKind.Choices => new ChoiceCompletionParser(),
        _ => task.Metric == TaskMetric.Equation ? new EquationCompletionParser() : new TextCompletionParser(),
    };

    /// <summary>Parses a completion.</summary>
    /// <param name="completion">The raw text.</param>
    public ParsedCompletion Parse(string completion)
    {
        var text = Cut(completion).Trim();
        if (text.IsEmpty) return new ParsedCompletion(null, null, CompletionFault.Empty);
        foreach (var marker in Markers)
        {
            var at = text.IndexOf(marker, StringComparison.Ordinal);
            if (at < 0) continue;
            var label = Answer(text[(at + marker.Length)..], out var fault);
            var rationale = text[..at].Trim();
            return new ParsedCompletion(rationale.IsEmpty ? null : rationale.ToString(), label, fault);
        }

        return new ParsedCompletion(null, null, CompletionFault.NoAnswer);
    }

    /// <summary>Reads the label out of what follows the marker.</summary>
    private protected abstract string? Answer(ReadOnlySpan<char> text, out CompletionFault fault);

    /// <summary>The answer's line without surrounding space and full stop.</summary>
    private protected static ReadOnlySpan<char> Line(ReadOnlySpan<char> text)
    {
        text = text.TrimStart();
        var end = text.IndexOf('\n');
        if (end >= 0) text = text[..end];
        text = text.TrimEnd();
        return text is [.. var rest, '.'] ? rest.TrimEnd() : text;
    }

    private ReadOnlySpan<char> Cut(ReadOnlySpan<char> text)
    {
        foreach (var stop in Stops)
        {
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0) text = text[..at];
        }

        return text;
    }
}
