using System.Text.Json.Serialization;

namespace DistillOnnx.Runtime.Golden;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GoldenRow))]
internal sealed partial class GoldenJsonContext : JsonSerializerContext;
