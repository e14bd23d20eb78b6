using System.Globalization;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>The figures by class as lines for a person.</summary>
public static class EvaluationTable
{
    private static readonly string[] Head = ["label", "precision", "recall", "f1", "support"];

    /// <summary>A row for each label, then the means; no lines where the task is not of one closed set.</summary>
    /// <param name="result">What an evaluation found.</param>
    public static IReadOnlyList<string> Lines(EvaluateResult result)
    {
        if (result.Classes is not { } classes) return [];
        string[][] cells =
        [
            Head,
            .. classes.Select(c => Row(c.Key, c.Value)),
            ["macro", "", "", Figure(result.MacroF1 ?? 0), $"{result.Rows}"],
            ["weighted", "", "", Figure(result.WeightedF1 ?? 0), $"{result.Rows}"],
        ];
        return TextTable.Lines(cells, leftColumns: 1);
    }

    /// <summary>Names every label that was never answered, or whose gold rows were all missed; null where there is none.</summary>
    /// <param name="result">What an evaluation found.</param>
    internal static string? Missed(EvaluateResult result)
    {
        if (result.Classes is not { } classes || result.Confusion is not { } confusion) return null;
        var labels = classes.Keys.ToList();
        var never = labels.Where((_, column) => confusion.All(row => row[column] == 0)).ToList();
        var missed = classes.Where(c => c.Value is { Support: > 0, Recall: 0 } && !never.Contains(c.Key)).Select(c => c.Key).ToList();
        var parts = new List<string>();
        if (never.Count > 0) parts.Add($"never answered: {string.Join(", ", never)}");
        if (missed.Count > 0) parts.Add($"recall 0: {string.Join(", ", missed)}");
        return parts.Count == 0 ? null : string.Join("; ", parts);
    }

    private static string[] Row(string label, ClassFigures c) =>
        [label, Figure(c.Precision), Figure(c.Recall), Figure(c.F1), $"{c.Support}"];

    private static string Figure(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
