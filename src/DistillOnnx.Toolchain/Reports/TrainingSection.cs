using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Stages.Reports;

namespace DistillOnnx.Toolchain.Reports;

/// <summary>Content of a checkpoint's <c>training.json</c>: curves and the options of the run.</summary>
internal static class TrainingSection
{
    private static readonly (string Key, string Name)[] Losses =
    [
        ("train_label_loss", "label, training"), ("validation_label_loss", "label, validation"),
        ("train_rationale_loss", "rationale, training"), ("validation_rationale_loss", "rationale, validation"),
    ];

    private static readonly (string Key, string Name)[] Shares =
    [
        ("validation_accuracy", "accuracy"), ("validation_macro_f1", "macro F1"),
    ];

    /// <summary>Reads a checkpoint's report; null where there is none, or it is not one.</summary>
    public static JsonObject? Read(string checkpoint)
    {
        var file = Path.Combine(checkpoint, TrainingFile.Name);
        try
        {
            return File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file)) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Adds the section to a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="training">The file.</param>
    public static void Add(HtmlReport page, JsonObject training)
    {
        page.Heading("Training").Figures(
            from key in (string[])["steps", "best_step", "validation_accuracy", "validation_macro_f1", "seconds", "tokens"]
            where training[key] is JsonValue
            select (Name(key), ((double)training[key]!).ToString("#,0.###", CultureInfo.InvariantCulture)));
        if (training["evaluations"] is JsonArray { Count: > 0 } evaluations)
        {
            var last = evaluations.Max(e => (double)e!["step"]!);
            var steps = SvgAxis.FromZero("step", last);
            List<SvgLine> losses = [.. Losses.Select(l => Line(evaluations, l.Key, l.Name)).Where(l => l.Points.Count > 0)];
            if (losses.Count > 0)
                page.Chart(SvgChart.Lines(steps, SvgAxis.FromZero("loss, nats a token", losses.Max(l => l.Points.Max(p => p.Y))), losses));
            List<SvgLine> shares = [.. Shares.Select(l => Line(evaluations, l.Key, l.Name)).Where(l => l.Points.Count > 0)];
            var chance = (training["data"]?["validation_chance"] as JsonValue)?.GetValue<double>();
            if (shares.Count > 0)
                page.Chart(SvgChart.Lines(
                    steps,
                    new SvgAxis("on validation rows", 0, 1),
                    shares,
                    chance is { } c ? new SvgLine("chance", [(0, c), (last, c)]) : null));
        }

        if (training["options"] is JsonObject options)
            page.Table(
                ["Option", "Value"],
                options.Where(o => o.Value is not null).Select(o => (IReadOnlyList<string?>)[o.Key, o.Value!.ToString()]));
    }

    private static string Name(string key) => key.Replace('_', ' ').Replace("f1", "F1", StringComparison.Ordinal);

    private static SvgLine Line(JsonArray evaluations, string key, string name) =>
        new(name, [.. evaluations.Where(e => e?[key] is JsonValue).Select(e => ((double)e!["step"]!, (double)e[key]!))]);
}
