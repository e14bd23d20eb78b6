using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Core.Bundles;

[JsonSerializable(typeof(BundleManifest))]
internal sealed partial class BundleJsonContext : JsonSerializerContext
{
    /// <summary>How manifests are written and read.</summary>
    public static BundleJsonContext Instance { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new AsTaskFile(),
            new JsonStringEnumConverter<TaskKind>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
        },
    });

    /// <summary>A task within a manifest reads as in a file of its own.</summary>
    private sealed class AsTaskFile : JsonConverter<TaskSpec>
    {
        public override TaskSpec? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize(ref reader, Tasks.TaskSpec.Json.TaskSpec);

        public override void Write(Utf8JsonWriter writer, TaskSpec value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value, Tasks.TaskSpec.Json.TaskSpec);
    }
}
