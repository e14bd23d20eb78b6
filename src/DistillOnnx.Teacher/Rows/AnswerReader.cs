using System.Text.Json;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Completions;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Rows;

/// <summary>Reads rationale and label out of an answer, free text or JSON of a schema.</summary>
/// <param name="task">What is asked.</param>
/// <param name="structured">Whether answers are JSON.</param>
internal sealed class AnswerReader(TaskSpec task, bool structured)
{
    private readonly CompletionParser _parser = CompletionParser.For(task);

    /// <summary>The form that answers are to have; null: free text.</summary>
    public ChatResponseFormat? Format(Example example)
    {
        if (!structured) return null;
        var set = task.Kind == TaskKind.Labels ? task.Labels : task.Kind == TaskKind.Choices ? example.Choices : null;
        var label = set is null ? "{\"type\":\"string\"}" : $"{{\"type\":\"string\",\"enum\":{JsonSerializer.Serialize(set)}}}";
        using var schema = JsonDocument.Parse($"{{\"type\":\"object\",\"properties\":{{\"rationale\":{{\"type\":\"string\"}},\"label\":{label}}},\"required\":[\"rationale\",\"label\"],\"additionalProperties\":false}}");
        return ChatResponseFormat.ForJsonSchema(schema.RootElement.Clone(), "annotation");
    }

    public ParsedCompletion Read(string text)
    {
        if (!structured) return _parser.Parse(text);
        try
        {
            using var document = JsonDocument.Parse(text);
            var label = document.RootElement.GetProperty("label").GetString()?.Trim();
            var rationale = document.RootElement.GetProperty("rationale").GetString()?.Trim();
            if (string.IsNullOrEmpty(label)) return new ParsedCompletion(null, null, CompletionFault.NoAnswer);
            if (task.Kind == TaskKind.Labels && !task.Labels!.Contains(label, StringComparer.Ordinal)) return new ParsedCompletion(rationale, null, CompletionFault.UnknownLabel);
            // Equations are written in parentheses, as the teachers of the paper wrote them.
            if (task.Metric == TaskMetric.Equation && !label.StartsWith('(')) label = $"({label})";
            return new ParsedCompletion(string.IsNullOrEmpty(rationale) ? null : rationale, label);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return new ParsedCompletion(null, null, string.IsNullOrWhiteSpace(text) ? CompletionFault.Empty : CompletionFault.NoAnswer);
        }
    }
}
