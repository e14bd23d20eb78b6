using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>One answer as a JSON line.</summary>
internal static class PredictionRow
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <c>{"id","label","probability","probabilities":{…},…}</c> and a line feed.</summary>
    public static void Write(
        Stream output,
        string id,
        PredictorInput input,
        LabelPrediction answer,
        TaskSpec task,
        string? gold = null,
        string? rationale = null)
    {
        using (var writer = new Utf8JsonWriter(output, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("label", answer.Label);
            if (gold is not null) writer.WriteString("gold", gold);
            if (answer.Probability is { } probability) writer.WriteNumber("probability", Math.Round(probability, 6));
            if (answer.Probabilities is { } probabilities)
            {
                var labels = task.Kind == TaskKind.Choices ? input.Choices! : task.Labels!;
                writer.WriteStartObject("probabilities");
                for (var i = 0; i < labels.Count; i++) writer.WriteNumber(labels[i], Math.Round(probabilities[i], 6));
                writer.WriteEndObject();
            }

            if (rationale is not null) writer.WriteString("rationale", rationale);
            if (answer.Abstained) writer.WriteBoolean("abstained", true);
            if (answer.Truncated) writer.WriteBoolean("truncated", true);
            writer.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }

    /// <summary>Writes <c>{"id","error"}</c> and a line feed.</summary>
    public static void WriteError(Stream output, string id, string error)
    {
        using (var writer = new Utf8JsonWriter(output, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("error", error);
            writer.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }
}
