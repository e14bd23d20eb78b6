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
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new JsonStringEnumConverter<TaskKind>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
        },
    });
}
