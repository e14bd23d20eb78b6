using System.Text.Json.Serialization;

namespace DistillOnnx.Core.Tasks;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(TaskJson))]
[JsonSerializable(typeof(TaskSpec))]
internal sealed partial class TaskJsonContext : JsonSerializerContext;
