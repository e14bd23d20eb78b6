using System.Text.Json;
using DistillOnnx.Server.Services;
using Grpc.Core;

namespace DistillOnnx.Server.Rest;

/// <summary>Reads the parts of a JSON request; what is not as expected is refused by its path.</summary>
internal static class JsonFields
{
    // A name that is given twice would have one of its values dropped.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Parses a request and reads it.</summary>
    /// <exception cref="RpcException">It is not JSON, or what reads it finds a fault.</exception>
    public static void Parse(ReadOnlyMemory<byte> json, Action<JsonElement> read)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw Faults.Invalid("body", $"not JSON: {e.Message}");
        }
    }

    /// <summary>A value of a kind.</summary>
    public static JsonElement Expect(JsonElement json, JsonValueKind kind, string field) => json.ValueKind == kind
        ? json
        : throw Faults.Invalid(field, $"expected {Name(kind)}, found {Name(json.ValueKind)}");

    /// <summary>A text.</summary>
    public static string Text(JsonElement json, string field)
    {
        try
        {
            return Expect(json, JsonValueKind.String, field).GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Faults.Invalid(field, "expected a text in UTF-8, without halves of surrogate pairs");
        }
    }

    /// <summary>An integer.</summary>
    public static long Integer(JsonElement json, string field) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out var value)
            ? value
            : throw Faults.Invalid(field, "expected an integer");

    /// <summary>A truth value.</summary>
    public static bool Flag(JsonElement json, string field) => json.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? json.GetBoolean()
        : throw Faults.Invalid(field, $"expected true or false, found {Name(json.ValueKind)}");

    /// <summary>Reads each element of an array, with its path.</summary>
    public static void ForEach(JsonElement json, string field, Action<JsonElement, string> read)
    {
        var index = 0;
        foreach (var element in Expect(json, JsonValueKind.Array, field).EnumerateArray()) read(element, $"{field}[{index++}]");
    }

    /// <summary>A fault: the field is not known.</summary>
    public static RpcException Unknown(string field, string known) => Faults.Invalid(field, $"not known; expected {known}");

    private static string Name(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
