using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Data;

/// <summary>What makes a row fit its task.</summary>
public static class ExampleRules
{
    /// <summary>The first fault of a row, or null where it fits.</summary>
    /// <param name="task">The task.</param>
    /// <param name="example">The row.</param>
    /// <param name="need">What is asked of its labels.</param>
    /// <remarks>
    /// A teacher's label may lie outside a row's own choices: that is a wrong answer, and what was answered is worth keeping.
    /// It may not lie outside the closed set of a whole task, where no student could learn it.
    /// </remarks>
    public static string? Fault(TaskSpec task, Example example, LabelNeed need)
    {
        if (string.IsNullOrWhiteSpace(example.Id)) return "\"id\" is empty";
        if (string.IsNullOrWhiteSpace(example.Input)) return "\"input\" is empty";
        return Missing(example, need)
            ?? task.Kind switch
            {
                TaskKind.Labels => LabelsFault(task.Labels!, example),
                TaskKind.Choices => ChoicesFault(example),
                _ => TextFault(example),
            };
    }

    /// <summary>The row without those of its labels that do not fit the task.</summary>
    internal static Example WithoutForeignLabels(TaskSpec task, Example example)
    {
        var row = example with { Label = null, TeacherLabel = null };
        if (Fault(task, row, LabelNeed.None) is not null) return row;
        if (Fault(task, row with { Label = example.Label }, LabelNeed.None) is null) row = row with { Label = example.Label };
        var both = row with { TeacherLabel = example.TeacherLabel };
        return Fault(task, both, LabelNeed.None) is null ? both : row;
    }

    private static string? Missing(Example example, LabelNeed need) => need switch
    {
        LabelNeed.Gold when example.Label is null => "\"label\" is missing",
        LabelNeed.GoldOrTeacher when example.Label is null && example.TeacherLabel is null =>
            "\"label\" and \"teacher_label\" are both missing",
        _ => null,
    };

    private static string? LabelsFault(IReadOnlyList<string> labels, Example example)
    {
        if (example.Choices is not null) return "\"choices\": expected none, for the task has one closed set for every row";
        return Outside("label", example.Label, labels, "the task's labels")
            ?? Outside("teacher_label", example.TeacherLabel, labels, "the task's labels");
    }

    private static string? ChoicesFault(Example example)
    {
        if (example.Choices is not { } choices) return "\"choices\" is missing, and the task's rows bring their own";
        if (choices.Count < 2) return $"\"choices\": expected at least two, found {choices.Count}";
        if (choices.Any(string.IsNullOrWhiteSpace)) return "\"choices\" has an empty one";
        var repeated = choices.GroupBy(c => c, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (repeated is not null) return $"\"choices\" lists \"{InputText.Show(Shorten(repeated.Key))}\" more than once";
        return Outside("label", example.Label, choices, "its choices");
    }

    private static string? TextFault(Example example)
    {
        if (example.Choices is not null) return "\"choices\": expected none, for the task's answers are open text";
        if (example.Label is not null && string.IsNullOrWhiteSpace(example.Label)) return "\"label\" is empty";
        return example.TeacherLabel is not null && string.IsNullOrWhiteSpace(example.TeacherLabel) ? "\"teacher_label\" is empty" : null;
    }

    private static string? Outside(string key, string? label, IReadOnlyList<string> set, string what) =>
        label is null || set.Contains(label, StringComparer.Ordinal)
            ? null
            : $"\"{key}\": expected one of {what} ({Show(string.Join(", ", set))}), found \"{Show(label)}\"";

    // A label may differ from one of the set in nothing that can be seen.
    private static string Show(string text) => InputText.ShowExactly(Shorten(text));

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
