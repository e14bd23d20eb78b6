using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Prompts;

/// <summary>Solved rows for prompts out of data.</summary>
internal static class Exemplars
{
    /// <summary>The template with the exemplars that the options ask for.</summary>
    public static PromptTemplate Choose(PromptTemplate template, Dataset dataset, AnnotateOptions options)
    {
        if (options.Exemplars is { } path) return template with { Exemplars = Read(dataset.Task, path) };
        if (options.DrawExemplars > 0) return template with { Exemplars = Draw(dataset, options.DrawExemplars, options.Seed) };
        if (options.Prompt is { } prompt && !PromptTemplate.IsBuiltIn(prompt)) Require(dataset.Task, template, prompt);
        return template;
    }

    // A label that the task does not have would be taught, and every answer with it paid for in vain.
    private static void Require(TaskSpec task, PromptTemplate template, string path)
    {
        foreach (var (i, exemplar) in template.Exemplars.Index())
        {
            var row = new Example { Id = "exemplar", Input = exemplar.Input, Choices = exemplar.Choices, Label = exemplar.Label };
            if (ExampleRules.Fault(task, row, LabelNeed.Gold) is { } fault)
                throw new InputException($"{path}: exemplar {i + 1}: {fault}");
        }
    }

    private static List<PromptExemplar> Read(TaskSpec task, string path)
    {
        var exemplars = new List<PromptExemplar>();
        foreach (var line in JsonLines.Read(path))
        {
            var where = $"{path}: row {line.Row}";
            var example = ExampleJson.Parse(line.Utf8.Span, where, defaultId: where);
            exemplars.Add(From(example) ?? throw new InputException($"{where}: an exemplar needs \"label\" and \"rationale\""));
            if (ExampleRules.Fault(task, example, LabelNeed.Gold) is { } fault) throw new InputException($"{where}: {fault}");
        }

        return exemplars.Count > 0 ? exemplars : throw new InputException($"{path}: expected at least one exemplar, found none");
    }

    // Every row has the same chance, whatever their number, in one pass.
    private static List<PromptExemplar> Draw(Dataset dataset, int count, int seed)
    {
        var random = new Random(seed);
        var drawn = new List<PromptExemplar>();
        var seen = 0;
        foreach (var exemplar in dataset.Stream(SplitNames.Train, LabelNeed.None).Select(From).OfType<PromptExemplar>())
        {
            seen++;
            if (drawn.Count < count) drawn.Add(exemplar);
            else if (random.Next(seen) is var at && at < count) drawn[at] = exemplar;
        }

        return seen >= count
            ? drawn
            : throw new InputException(
                $"{dataset.FilePath(SplitNames.Train)}: expected at least {count} rows with label and rationale to draw "
                + $"exemplars from, found {seen}");
    }

    private static PromptExemplar? From(Example example) => example is { Label: { } label, Rationale: { } rationale }
        ? new PromptExemplar { Input = example.Input, Choices = example.Choices, Label = label, Rationale = rationale }
        : null;
}
