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

    private static readonly string[] Totals =
    [
        "steps", "best_step", "validation_accuracy", "validation_macro_f1", "seconds", "tokens",
    ];

    /// <summary>Reads a checkpoint's report; null where there is none, or it is not one.</summary>
    /// <param name="checkpoint">The checkpoint directory.</param>
    /// <param name="fault">What of it cannot be shown; null: nothing. Other programs write files of this name as well.</param>
    public static JsonObject? Read(string checkpoint, out string? fault)
    {
        var file = Path.Combine(checkpoint, TrainingFile.Name);
        fault = null;
        if (!File.Exists(file)) return null;
        try
        {
            var options = new JsonDocumentOptions { AllowDuplicateProperties = false };
            if (JsonNode.Parse(File.ReadAllText(file), documentOptions: options) is JsonObject training)
            {
                fault = Fault(training);
                return training;
            }

            fault = "expected a JSON object";
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            fault = e.Message;
        }

        return null;
    }

    /// <summary>The hash of the training rows; null where it names none.</summary>
    /// <param name="training">The file.</param>
    public static string? TrainHash(JsonObject training) =>
        Field(training["data"], "train_sha256") is JsonValue value && value.TryGetValue(out string? hash) ? hash : null;

    /// <summary>Adds the section to a page. Values of another kind than ours are left out.</summary>
    /// <param name="page">The page.</param>
    /// <param name="training">The file.</param>
    public static void Add(HtmlReport page, JsonObject training)
    {
        page.Heading("Training").Figures(
            from key in Totals
            let total = Number(training, key)
            where total is not null
            select (Name(key), total.Value.ToString("#,0.###", CultureInfo.InvariantCulture)));
        if (training["evaluations"] is JsonArray evaluations && evaluations.Max(e => Number(e, "step")) is { } last)
        {
            var steps = SvgAxis.FromZero("step", last);
            List<SvgLine> losses = [.. Losses.Select(l => Line(evaluations, l.Key, l.Name)).Where(l => l.Points.Count > 0)];
            if (losses.Count > 0)
                page.Chart(SvgChart.Lines(steps, SvgAxis.FromZero("loss, nats a token", losses.Max(l => l.Points.Max(p => p.Y))), losses));
            List<SvgLine> shares = [.. Shares.Select(l => Line(evaluations, l.Key, l.Name)).Where(l => l.Points.Count > 0)];
            if (shares.Count > 0)
                page.Chart(SvgChart.Lines(
                    steps,
                    new SvgAxis("on validation rows", 0, 1),
                    shares,
                    Number(training["data"], "validation_chance") is { } c ? new SvgLine("chance", [(0, c), (last, c)]) : null));
        }

        if (training["options"] is JsonObject options)
            page.Table(
                ["Option", "Value"],
                options.Where(o => o.Value is not null).Select(o => (IReadOnlyList<string?>)[o.Key, o.Value!.ToString()]));
    }

    private static string? Fault(JsonObject training)
    {
        var foreign = new List<string>();
        void Require(string key, JsonNode? value, bool known)
        {
            if (value is not null && !known) foreign.Add($"\"{key}\"");
        }

        foreach (var key in Totals) Require(key, training[key], Number(training, key) is not null);
        var data = training["data"];
        Require("data", data, data is JsonObject);
        Require("data.train_sha256", Field(data, "train_sha256"), TrainHash(training) is not null);
        Require("data.validation_chance", Field(data, "validation_chance"), Number(data, "validation_chance") is not null);
        Require("options", training["options"], training["options"] is JsonObject);
        Require("evaluations", training["evaluations"], training["evaluations"] is JsonArray);
        foreach (var point in training["evaluations"] as JsonArray ?? [])
        {
            if (Number(point, "step") is null) foreign.Add("\"evaluations\" without \"step\"");
            foreach (var (key, _) in Losses.Concat(Shares))
                Require($"evaluations.{key}", Field(point, key), Number(point, key) is not null);
        }

        return foreign.Count == 0 ? null : $"values of another kind than expected: {string.Join(", ", foreign.Distinct().Take(5))}";
    }

    private static JsonNode? Field(JsonNode? node, string key) => (node as JsonObject)?[key];

    private static double? Number(JsonNode? node, string key) =>
        Field(node, key) is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out double number)
            && double.IsFinite(number) ? number : null;

    private static string Name(string key) => key.Replace('_', ' ').Replace("f1", "F1", StringComparison.Ordinal);

    private static SvgLine Line(JsonArray evaluations, string key, string name) => new(
        name,
        [.. from point in evaluations
            let step = Number(point, "step")
            let value = Number(point, key)
            where step is not null && value is not null
            select (step.Value, value.Value)]);
}
