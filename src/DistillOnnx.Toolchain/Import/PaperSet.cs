using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// One of the four data sets of "Distilling Step-by-Step!" (Hsieh et al., 2023), in the form of its public archive. Input
/// forms follow the paper's public code: choices are listed below the question, premise and hypothesis are joined by the end token.
/// </summary>
/// <param name="Name">The set's name in file names.</param>
/// <param name="Task">What it asks.</param>
internal sealed record PaperSet(string Name, TaskSpec Task)
{
    private static readonly string[] NliLabels = ["entailment", "neutral", "contradiction"];

    /// <summary>The four sets.</summary>
    public static IReadOnlyList<PaperSet> All { get; } =
    [
        new("svamp", new TaskSpec { Name = "svamp", Kind = TaskKind.Text, Metric = TaskMetric.Equation, MaxInputTokens = 1024 }),
        new("cqa", new TaskSpec { Name = "cqa", Kind = TaskKind.Choices, MaxInputTokens = 1024 }),
        new("esnli", Nli("esnli")),
        new("anli1", Nli("anli1")),
    ];

    private static TaskSpec Nli(string name) => new()
    {
        Name = name,
        Kind = TaskKind.Labels,
        Labels = NliLabels,
        SegmentSeparator = "</s>",
        MaxInputTokens = 1024,
    };
}
