using System.Text.Json;
using DistillOnnx.Server.Services;
using Grpc.Core;

namespace DistillOnnx.Server.Rest;

/// <summary>Reads the parts of a JSON request; what is not as expected is refused by its path.</summary>
internal static class JsonFields
{
    private const int MostLevels = 64;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MostLevels };

    private static ReadOnlySpan<byte> Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>Parses a request and reads it.</summary>
    /// <exception cref="RpcException">It is not JSON, or what reads it finds a fault.</exception>
    public static void Parse(ReadOnlyMemory<byte> json, Action<JsonElement> read)
    {
        // Some programs put a byte order mark before UTF-8.
        if (json.Span.StartsWith(Mark)) json = json[Mark.Length..];
        if (json.IsEmpty) throw Faults.Invalid("body", "expected JSON, found nothing");
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            CheckNames(document.RootElement, null);
            read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw IsTooDeep(json) ? Faults.Invalid("body", $"expected at most {MostLevels} levels of arrays and objects, found more")
                : Faults.Invalid("body", $"not JSON: {e.Message}");
        }
    }

    /// <summary>A name that is given twice would have one of its values dropped.</summary>
    private static void CheckNames(JsonElement json, JsonPlace? place)
    {
        if (json.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var element in json.EnumerateArray())
            {
                if (HasParts(element)) CheckNames(element, new JsonPlace(place, null, index));
                index++;
            }
        }

        if (json.ValueKind != JsonValueKind.Object) return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in json.EnumerateObject())
        {
            var name = NameOf(property, place);
            if (!seen.Add(name)) throw Faults.Invalid(new JsonPlace(place, name, 0).Path(), "expected once, found twice");
            if (HasParts(property.Value)) CheckNames(property.Value, new JsonPlace(place, name, 0));
        }
    }

    private static bool HasParts(JsonElement json) => json.ValueKind is JsonValueKind.Array or JsonValueKind.Object;

    private static string NameOf(JsonProperty property, JsonPlace? place)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            var path = place?.Path() ?? "";
            throw Faults.Invalid(path.Length == 0 ? "body" : path, "expected names in UTF-8, without halves of surrogate pairs");
        }
    }

    private static bool IsTooDeep(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth >= MostLevels) return true;
            }
        }
        catch (JsonException)
        {
            // What is wrong is something else.
        }

        return false;
    }

    /// <summary>Refuses what the address says beside the path: nothing there is read.</summary>
    public static void RefuseQuery(HttpRequest request)
    {
        if (request.Query.Keys.FirstOrDefault() is { } name)
            throw Faults.Invalid(name, "not known in the address; what a call asks for goes into its body");
    }

    /// <summary>Refuses what the address of a call without a body says and the call does not know.</summary>
    /// <param name="request">The request.</param>
    /// <param name="known">What the call knows, each once.</param>
    public static void RefuseQuery(HttpRequest request, IReadOnlyCollection<string> known)
    {
        foreach (var (name, values) in request.Query)
        {
            if (!known.Contains(name))
                throw Faults.Invalid(name, $"not known in the address; expected {(known.Count == 0 ? "none" : string.Join(", ", known))}");
            if (values.Count > 1) throw Faults.Invalid(name, $"expected once, found {values.Count} times");
        }
    }

    /// <summary>A value of a kind.</summary>
    /// <param name="json">The value.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="field">Where it stands.</param>
    /// <param name="other">A kind that could stand there as well, which the caller has read already; null: none.</param>
    public static JsonElement Expect(JsonElement json, JsonValueKind kind, string field, JsonValueKind? other = null) =>
        json.ValueKind == kind
            ? json
            : throw Faults.Invalid(
                field, $"expected {(other is { } o ? $"{Name(o)} or " : "")}{Name(kind)}, found {Name(json.ValueKind)}");

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
