using System.Text.Json;
using System.Text.Json.Serialization;

namespace DistillOnnx.Toolchain.Study;

/// <summary>How a study's files are written.</summary>
internal static class StudyJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };
}
