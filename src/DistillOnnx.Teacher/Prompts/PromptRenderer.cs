using System.Text;
using System.Text.RegularExpressions;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Prompts;

/// <summary>Puts rows into a template.</summary>
/// <param name="task">What the rows ask.</param>
/// <param name="template">The text around them.</param>
/// <param name="style">Conversation or text to be continued.</param>
/// <param name="structured">Whether the answer is to be a JSON object instead of the template's form.</param>
internal sealed partial class PromptRenderer(TaskSpec task, PromptTemplate template, PromptStyle style, bool structured)
{
    private const string Structured = "Answer with one JSON object: \"rationale\" (the reasons) first, then \"label\" (the answer alone).";

    /// <summary>The prompt of a row.</summary>
    /// <param name="example">The row.</param>
    /// <param name="givenLabel">The label to explain; null: the teacher is to find one.</param>
    public IList<ChatMessage> Render(Example example, string? givenLabel = null)
    {
        var question = Fill(template.Question, example, null, null);
        if (givenLabel is not null) question = $"{question.TrimEnd()}\n{Fill(template.Rationalize, example, null, givenLabel)}";
        var instruction = Fill(template.Instruction, example, null, null);
        return style == PromptStyle.Completion
            ? [new ChatMessage(ChatRole.User, Text(example, instruction, question))]
            : Chat(example, instruction, question);
    }

    private List<ChatMessage> Chat(Example example, string instruction, string question)
    {
        if (structured) instruction = $"{FreeForm().Replace(instruction, "")}\n{Structured}";
        var messages = new List<ChatMessage> { new(ChatRole.System, instruction) };
        foreach (var exemplar in Exemplars(example))
        {
            messages.Add(new ChatMessage(ChatRole.User, Fill(template.Question, Row(exemplar), null, null)));
            messages.Add(new ChatMessage(ChatRole.Assistant, Solved(exemplar)));
        }

        messages.Add(new ChatMessage(ChatRole.User, question));
        return messages;
    }

    private string Text(Example example, string instruction, string question)
    {
        var text = new StringBuilder();
        if (instruction.Length > 0) text.Append(instruction).Append("\n\n");
        foreach (var exemplar in Exemplars(example))
            text.Append(Fill(template.Question, Row(exemplar), null, null).TrimEnd()).Append(' ').Append(Solved(exemplar)).Append("\n\n");
        return text.Append(question.TrimEnd()).ToString();
    }

    // An exemplar drawn from the data would tell its own row the answer.
    private IEnumerable<PromptExemplar> Exemplars(Example example) => template.Exemplars.Where(e => e.Input != example.Input);

    private string Solved(PromptExemplar exemplar) => structured
        ? System.Text.Json.JsonSerializer.Serialize(new { rationale = exemplar.Rationale, label = exemplar.Label })
        : Fill(template.Answer, Row(exemplar), exemplar.Rationale, exemplar.Label);

    private static Example Row(PromptExemplar exemplar) => new() { Id = "exemplar", Input = exemplar.Input, Choices = exemplar.Choices };

    // One pass, so that braces within a row's own text are left alone.
    private string Fill(string text, Example example, string? rationale, string? label)
    {
        var segments = task.SegmentSeparator is { Length: > 0 } separator ? example.Input.Split(separator, 2) : [example.Input];
        return Placeholder().Replace(text, match => match.Value switch
        {
            "{input}" => example.Input,
            "{segment_1}" => segments[0].Trim(),
            "{segment_2}" => segments.Length > 1 ? segments[1].Trim() : "",
            "{choices}" => Choices(example),
            "{labels}" => string.Join(", ", task.Labels ?? []),
            "{rationale}" => rationale ?? match.Value,
            "{label}" => label ?? match.Value,
            "{choice}" => label is null ? match.Value : Choice(example.Choices, label),
            _ => match.Value,
        });
    }

    // Inputs in the paper's form list their choices already.
    private static string Choices(Example example)
    {
        if (example.Choices is not { } choices) return "";
        var lines = string.Join('\n', choices.Select((c, i) => $"({(char)('a' + i)}) {c}"));
        return example.Input.Contains($"(a) {choices[0]}", StringComparison.Ordinal) ? "" : $"\nAnswer Choices:\n{lines}";
    }

    private static string Choice(IReadOnlyList<string>? choices, string label)
    {
        var at = choices?.ToList().FindIndex(c => c == label) ?? -1;
        return at < 0 ? label : $"({(char)('a' + at)}) {label}";
    }

    // The sentence on the form of a free text would contradict the schema.
    [GeneratedRegex(@"\s*\bEnd with:[^\n]*")]
    private static partial Regex FreeForm();

    [GeneratedRegex(@"\{(input|segment_1|segment_2|choices|labels|rationale|label|choice)\}")]
    private static partial Regex Placeholder();
}
