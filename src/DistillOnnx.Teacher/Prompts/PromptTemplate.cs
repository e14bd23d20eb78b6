using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Teacher.Prompts;

/// <summary>
/// The text around a row. <see cref="Question"/> and <see cref="Answer"/> contain <c>{input}</c>, its segments <c>{segment_1}</c>
/// and <c>{segment_2}</c> where the task separates them, <c>{choices}</c> (a lettered list under its own heading, left
/// out where the input has one), <c>{labels}</c>, <c>{rationale}</c>, <c>{label}</c> and <c>{choice}</c> (the label with its letter).
/// </summary>
public sealed record PromptTemplate
{
    /// <summary>What the teacher is asked to do.</summary>
    public required string Instruction { get; init; }

    /// <summary>A row as a question; in completions the answer follows it.</summary>
    public required string Question { get; init; }

    /// <summary>How an answer is written; completions are parsed by this form, so its marker must be one that the parser knows.</summary>
    public required string Answer { get; init; }

    /// <summary>Added to a question whose label is given and whose reasons are asked for; has <c>{label}</c> or <c>{choice}</c>.</summary>
    public string Rationalize { get; init; } = "(The correct answer is: {choice}. Explain why, without mentioning that it was given.)";

    /// <summary>What ends a completion.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Solved rows.</summary>
    public IReadOnlyList<PromptExemplar> Exemplars { get; init; } = [];

    /// <summary>Names of the templates that ship with the toolchain.</summary>
    public static IReadOnlyList<string> Names { get; } = ["svamp", "cqa", "esnli", "anli1", "labels", "choices", "equation", "text"];

    /// <summary>Whether a name is that of a template that ships, and no file of that name hides it.</summary>
    internal static bool IsBuiltIn(string name) => !File.Exists(name) && Names.Contains(name, StringComparer.Ordinal);

    private static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>The template that ships for a task: by its name, or else by its kind.</summary>
    /// <param name="task">The task.</param>
    public static PromptTemplate For(TaskSpec task) =>
        BuiltIn(Names.Contains(task.Name, StringComparer.Ordinal) ? task.Name : task.Kind switch
        {
            TaskKind.Labels => "labels",
            TaskKind.Choices => "choices",
            _ => task.Metric == TaskMetric.Equation ? "equation" : "text",
        });

    /// <summary>A template that ships with the toolchain.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static PromptTemplate BuiltIn(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"prompts/{name}.json")
            ?? throw new InputException($"no prompt is named \"{name}\"; known are {string.Join(", ", Names)}");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return Parse(memory.ToArray(), $"prompt {name}");
    }

    /// <summary>Reads a template of the user's own.</summary>
    /// <param name="path">A JSON file with the properties of this type in snake case; or one of <see cref="Names"/>.</param>
    /// <exception cref="InputException">The file is missing or does not describe a template.</exception>
    public static PromptTemplate Load(string path)
    {
        if (!File.Exists(path) && Names.Contains(path, StringComparer.Ordinal)) return BuiltIn(path);
        return File.Exists(path)
            ? Parse(File.ReadAllBytes(path), path)
            : throw new InputException($"{path}: no such file; expected a prompt template, or one of {string.Join(", ", Names)}");
    }

    private static PromptTemplate Parse(ReadOnlySpan<byte> json, string source)
    {
        PromptTemplate template;
        try
        {
            template = JsonSerializer.Deserialize<PromptTemplate>(json, Json)
                ?? throw new InputException($"{source}: expected a JSON object, found null");
        }
        catch (JsonException e)
        {
            throw new InputException($"{source}: not a prompt template: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        if (!template.Question.Contains("{input}", StringComparison.Ordinal)
            && !template.Question.Contains("{segment_1}", StringComparison.Ordinal))
        {
            throw new InputException($"{source}: \"question\" must hold {{input}} or {{segment_1}}");
        }
        if (!template.Answer.Contains("{rationale}", StringComparison.Ordinal)
            || !(template.Answer.Contains("{label}", StringComparison.Ordinal)
                || template.Answer.Contains("{choice}", StringComparison.Ordinal)))
        {
            throw new InputException($"{source}: \"answer\" must hold {{rationale}} and {{label}} or {{choice}}");
        }
        return template;
    }
}
