using System.Text.Json;
using System.Text.Json.Serialization;

namespace DistillOnnx.Core.Tasks;

/// <summary>
/// <c>task.json</c> as it is written. It has setters, unlike <see cref="TaskSpec"/>: generated readers give a property
/// that is set once the value null where a file leaves it out, in place of its default.
/// </summary>
internal sealed class TaskJson
{
    public string? Name { get; set; }

    public string? Kind { get; set; }

    public IReadOnlyList<string>? Labels { get; set; }

    public string? Metric { get; set; } = "text";

    public string? PredictPrefix { get; set; } = "predict: ";

    public string? ExplainPrefix { get; set; } = "explain: ";

    public string? SegmentSeparator { get; set; }

    public int? MaxInputTokens { get; set; }

    public int? MaxLabelTokens { get; set; }

    /// <summary>Every other key of the file.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
