using System.Globalization;
using System.Text;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>The rounds as a page: what was asked, what came of it, and why a student was let in or not.</summary>
internal static class ImproveReport
{
    /// <summary>Writes <c>report.md</c>.</summary>
    public static void Write(ImproveOptions options, IReadOnlyList<RoundReport> rounds)
    {
        var page = new StringBuilder("# Rounds\n\n");
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"Pool `{options.Data}`, teacher `{options.Teacher}`, {options.Count} rows a round, measured on `{options.Split}`. The gate "
            + $"refuses a student that an exact one-sided test over paired answers finds worse at level {options.GateLevel}, on all "
            + $"rows or on those of a class.");
        page.AppendLine()
            .AppendLine("| round | rows by | chosen | asked | usable | training rows | calls so far | dollars so far | accuracy | gate |")
            .AppendLine("|---:|---|---:|---:|---:|---:|---:|---:|---:|---|");
        foreach (var r in rounds)
        {
            var gate = r.Gate switch
            {
                null when r.Round == 0 => "what served before",
                null => "no student: nothing new to learn",
                { Passed: true, Total: null } => "passed: nothing served before",
                { Passed: true } => "passed",
                _ => $"refused: {r.Gate.Reason()}",
            };
            var cost = r.Cost is { } dollars ? string.Create(CultureInfo.InvariantCulture, $"{dollars:0.00##}") : "unknown";
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {r.Round} | {r.By?.ToString().ToLowerInvariant() ?? "–"} | {r.Selected} | {r.Asked} | {r.Kept} | "
                + $"{r.TrainRows} | {r.Calls} | {cost} | {Share(r)} | {gate} |");
        }

        page.AppendLine().AppendLine($"![accuracy over answers and dollars]({ImproveCurve.Picture})");
        AtomicFile.WriteAllBytes(Path.Combine(options.Out, "report.md"), Encoding.UTF8.GetBytes(page.ToString()));
    }

    private static string Share(RoundReport round) => round is { Accuracy: { } share, AccuracyInterval: { } interval }
        ? string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.00} % ({100 * interval.Low:0.00} to {100 * interval.High:0.00})")
        : "–";
}
