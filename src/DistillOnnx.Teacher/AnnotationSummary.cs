using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Rows;

namespace DistillOnnx.Teacher;

/// <summary>Says what a run came to: what was kept, what is left, and how to go on.</summary>
internal static class AnnotationSummary
{
    /// <summary>A result with the rows of all splits counted.</summary>
    public static AnnotateResult Counted(IReadOnlyDictionary<string, AnnotatedSplit> splits) => new()
    {
        Splits = splits,
        Rows = splits.Values.Sum(s => s.Rows),
        Kept = splits.Values.Sum(s => s.Kept),
        Dropped = splits.Values.Sum(s => s.Dropped.Values.Sum()),
        Left = splits.Values.Sum(s => s.Left),
    };

    /// <summary>What is left and how to go on, one line; null where nothing is.</summary>
    public static string? Incomplete(AnnotateResult result, AnnotateOptions options)
    {
        const string again = "the same command with --overwrite";
        return result.IncompleteReason switch
        {
            null => null,
            "budget" => $"incomplete: {result.Left} of {result.Rows} rows are left, for the budget is spent; "
                + (options.AfterBudget ?? $"{again} and a larger --budget or --budget-tokens asks only these"),
            "offline" => $"incomplete: {result.Left} of {result.Rows} rows are left, for the journal has no answers to them; "
                + $"{again} and without --offline asks only these",
            _ => $"incomplete: {result.Left} of {result.Rows} rows are left without an answer; {again} asks only these",
        };
    }

    /// <summary>Tells the user.</summary>
    public static void Report(AnnotateResult result, AnnotateOptions options, IReporter reporter)
    {
        foreach (var (name, split) in result.Splits!)
        {
            var dropped = split.Dropped.Count == 0
                ? ""
                : $"; dropped: {string.Join(", ", split.Dropped.Select(d => $"{d.Key} {d.Value}"))}";
            var left = split.Left > 0 ? $"; left: {split.Left}" : "";
            var accuracy = split.TeacherAccuracy is { } share ? $"; teacher accuracy {share:P1}" : "";
            reporter.Info($"{name}: {split.Kept} of {split.Rows} rows have a rationale{accuracy}{dropped}{left}");
        }

        var cost = result.Cost is { } price ? $", ${price:0.00}" : "";
        var thoughts = result.ReasoningTokens is { } count ? $" ({count} of thoughts)" : "";
        reporter.Info(
            $"{result.Requests} requests sent now, {result.Retried} of them repeated ones; "
            + $"the journal holds {result.InputTokens} + {result.OutputTokens} tokens{thoughts}{cost}");
        if (Incomplete(result, options) is { } incomplete) reporter.Warn(incomplete);
    }

    /// <summary>Holds that a run which kept no row failed, even if it wrote files.</summary>
    /// <exception cref="TeacherException">No row was kept.</exception>
    public static void RequireAny(AnnotateResult result, string? fault, AnnotateOptions options)
    {
        if (result.Kept > 0 || result.Rows == 0) return;
        if (result.Left == result.Rows)
        {
            throw new TeacherException(TeacherFault.Fatal, $"no row was kept: {Incomplete(result, options)}") { Result = result };
        }

        var dropped = result.Splits!.Values.SelectMany(s => s.Dropped)
            .GroupBy(d => d.Key)
            .Select(g => $"{g.Key} {g.Sum(d => d.Value)}")
            .Concat(result.Left > 0 ? [$"left {result.Left}"] : []);
        // Which limit the parts of a merge were asked with is in none of its options.
        var cut = options.Merge.Count == 0 && result.Splits.Values.Any(s => s.Dropped.ContainsKey("cut"))
            ? $"; answers were cut at --max-output-tokens {options.MaxOutputTokens}: raise it"
            : "";
        var left = Incomplete(result, options) is { } incomplete ? $"; {incomplete}" : "";
        throw new TeacherException(
            TeacherFault.Fatal,
            $"no row was kept ({string.Join(", ", dropped)}){(fault is null ? "" : $": {fault}")}{cut}; "
            + $"{Path.Combine(options.Out, AnnotatedDataset.ReportFile)} shows answers as they came{left}")
        {
            Result = result,
        };
    }
}
