using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>One value of <c>--fail-under</c>: a metric of which more is better, and the least that passes.</summary>
internal sealed record QualityGate(string Metric, double Floor)
{
    private const string Default = "accuracy";

    private static readonly Dictionary<string, Func<EvaluateResult, double?>> Metrics = new(StringComparer.Ordinal)
    {
        [Default] = r => r.Accuracy,
        ["macro_f1"] = r => r.MacroF1,
        ["weighted_f1"] = r => r.WeightedF1,
    };

    private static string Names => string.Join(", ", Metrics.Keys);

    /// <summary>What is wrong with the values; empty where nothing is.</summary>
    public static IReadOnlyList<string> Faults(IReadOnlyList<string> texts)
    {
        if (texts.Any(string.IsNullOrWhiteSpace)) return ["--fail-under: expected [METRIC=]FRACTION, found an empty value"];
        if (DecimalComma(texts) is { } comma) return [comma];
        var parsed = texts.Select(Parse).ToList();
        var twice = parsed.Where(p => p.Gate is not null).GroupBy(p => p.Gate!.Metric).Where(g => g.Count() > 1);
        return [.. parsed.Select(p => p.Fault).OfType<string>(), .. twice.Select(g => $"--fail-under names {g.Key} more than once")];
    }

    /// <summary>The gates of the values.</summary>
    /// <exception cref="InputException">A value is none.</exception>
    public static IReadOnlyList<QualityGate> ParseAll(IReadOnlyList<string> texts) =>
        Faults(texts) is [_, ..] faults ? throw new InputException(string.Join("; ", faults)) : [.. texts.Select(t => Parse(t).Gate!)];

    /// <summary>Refuses a metric that the task does not have, before anything is measured.</summary>
    /// <exception cref="InputException">There is such a metric.</exception>
    public static void RequireMeasured(IReadOnlyList<QualityGate> gates, TaskSpec task)
    {
        if (task.Kind != TaskKind.Labels && gates.FirstOrDefault(g => g.Metric != Default) is { } gate)
            throw new InputException(
                $"--fail-under {gate.Metric}: the dataset \"{task.Name}\" has no one closed set of labels; use {Default}");
    }

    /// <summary>Fails where a metric is below its gate; the message names every one that is.</summary>
    /// <exception cref="QualityGateException">There is one.</exception>
    public static void Hold(IReadOnlyList<QualityGate> gates, EvaluateResult result, string where)
    {
        // A figure that is no number has not passed.
        var missed = gates.Select(g => (g.Metric, g.Floor, Value: Metrics[g.Metric](result) ?? double.NaN))
            .Where(g => !(g.Value >= g.Floor))
            .ToList();
        if (missed.Count == 0) return;
        var figures = missed.Select(g => string.Create(
            CultureInfo.InvariantCulture, $"{g.Metric} {g.Value:0.0000##} is below the gate of {g.Floor}"));
        throw new QualityGateException($"{where} {string.Join(" and ", figures)}", result);
    }

    private static (QualityGate? Gate, string? Fault) Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var metric = equals < 0 ? Default : text[..equals].Trim().Replace('-', '_');
        if (metric is "ece" or "loss")
            return (null, $"--fail-under {metric}: less is better there, so it takes {Names}");
        if (!Metrics.ContainsKey(metric))
            return (
                null, $"--fail-under: expected one of {Names} before \"=\", found \"{metric}\"{NearestName.Suggest(metric, Metrics.Keys)}");
        // An integer text and a text with an exponent are fractions too; NaN is within no range.
        return double.TryParse(text.AsSpan(equals + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var floor)
            && floor is >= 0 and <= 1
            ? (new QualityGate(metric, floor), null)
            : (null, $"--fail-under: expected a fraction from 0 to 1 for {metric}, found \"{text[(equals + 1)..]}\"");
    }

    // A comma separates gates, so "macro_f1=0,75" comes as "macro_f1=0" and "75": two whole numbers, the second without a metric.
    private static string? DecimalComma(IReadOnlyList<string> texts)
    {
        for (var i = 1; i < texts.Count; i++)
        {
            var (before, after) = (texts[i - 1], texts[i]);
            if (!IsWhole(after) || !IsWhole(before[(before.IndexOf('=', StringComparison.Ordinal) + 1)..])) continue;
            return $"--fail-under {before},{after}: a comma separates two gates; write the fraction with a point ({before}.{after}), "
                + $"or name the metric of the second gate (accuracy={after})";
        }

        return null;
    }

    private static bool IsWhole(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);
}
