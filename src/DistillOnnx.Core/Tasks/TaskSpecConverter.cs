using System.Text.Json;
using System.Text.Json.Serialization;

namespace DistillOnnx.Core.Tasks;

/// <summary>
/// Reads and writes a task, alone or within another file. What it does not know is a <see cref="JsonException"/> that says what was
/// expected.
/// </summary>
internal sealed class TaskSpecConverter : JsonConverter<TaskSpec>
{
    private static readonly (string Name, TaskKind Kind)[] Kinds =
        [("labels", TaskKind.Labels), ("choices", TaskKind.Choices), ("text", TaskKind.Text)];
    private static readonly (string Name, TaskMetric Metric)[] Metrics = [("text", TaskMetric.Text), ("equation", TaskMetric.Equation)];

    private static readonly string[] Keys =
    [
        "name", "kind", "labels", "metric", "predict_prefix", "explain_prefix", "segment_separator", "max_input_tokens", "max_label_tokens"
    ];

    public override TaskSpec Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var json = JsonSerializer.Deserialize(ref reader, TaskJsonContext.Default.TaskJson)
            ?? throw new JsonException("expected a JSON object, found null");
        if (json.Unknown is { Count: > 0 } unknown)
            throw new JsonException($"unknown key \"{InputText.Show(unknown.Keys.First())}\"; the keys are {string.Join(", ", Keys)}");
        return new TaskSpec
        {
            Name = json.Name ?? throw new JsonException("\"name\" is missing"),
            Kind = Find(Kinds, "kind", json.Kind),
            Metric = Find(Metrics, "metric", json.Metric),
            Labels = json.Labels,
            PredictPrefix = json.PredictPrefix ?? throw new JsonException("\"predict_prefix\" may be empty but not null"),
            ExplainPrefix = json.ExplainPrefix ?? throw new JsonException("\"explain_prefix\" may be empty but not null"),
            SegmentSeparator = json.SegmentSeparator,
            MaxInputTokens = json.MaxInputTokens,
            MaxLabelTokens = json.MaxLabelTokens,
        };
    }

    public override void Write(Utf8JsonWriter writer, TaskSpec value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(
            writer,
            new TaskJson
            {
                Name = value.Name,
                Kind = Kinds.First(k => k.Kind == value.Kind).Name,
                Metric = Metrics.First(m => m.Metric == value.Metric).Name,
                Labels = value.Labels,
                PredictPrefix = value.PredictPrefix,
                ExplainPrefix = value.ExplainPrefix,
                SegmentSeparator = value.SegmentSeparator,
                MaxInputTokens = value.MaxInputTokens,
                MaxLabelTokens = value.MaxLabelTokens,
            },
            TaskJsonContext.Default.TaskJson);

    private static T Find<T>((string Name, T Value)[] known, string key, string? found)
    {
        if (found is null) throw new JsonException($"\"{key}\" is missing");
        foreach (var (name, value) in known)
        {
            if (name == found) return value;
        }

        throw new JsonException($"\"{key}\": expected one of {string.Join(", ", known.Select(k => k.Name))}, found \"{found}\"");
    }
}
