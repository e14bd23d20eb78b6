using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace DistillOnnx.Toolchain.Scripting;

/// <summary>Result objects of stages as the JSON that <c>--json</c> prints: names in snake case, what is unknown left out.</summary>
public static class ResultJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>A result as one line.</summary>
    /// <param name="result">A stage's result object.</param>
    public static string ToLine(object result) => JsonSerializer.Serialize(result, result.GetType(), Options);

    /// <summary>A result as a tree.</summary>
    /// <param name="result">A stage's result object.</param>
    public static JsonNode? ToNode(object result) => JsonSerializer.SerializeToNode(result, result.GetType(), Options);

    /// <summary>A result out of a tree that <see cref="ToNode"/> made.</summary>
    internal static T? FromNode<T>(JsonNode? node) => node is null ? default : node.Deserialize<T>(Options);
}
