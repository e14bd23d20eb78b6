using System.Text.Json;
using DistillOnnx.Server.Services;
using DistillOnnx.V1;
using Google.Protobuf.Reflection;

namespace DistillOnnx.Server.Rest;

/// <summary>
/// Checks the JSON form of a message against its descriptor, so that a fault names its field, and writes it anew. A bare
/// string in the place of an input stands for an input of that text.
/// </summary>
internal sealed class JsonMessage
{
    private readonly Utf8JsonWriter _writer;

    private readonly IReadOnlyDictionary<string, object?> _path;

    private JsonMessage(Utf8JsonWriter writer, IReadOnlyDictionary<string, object?> path)
    {
        _writer = writer;
        _path = path;
    }

    /// <summary>Checks a message and writes it anew.</summary>
    /// <param name="json">The message.</param>
    /// <param name="type">What it should be.</param>
    /// <param name="path">What the request's path says of the message's fields, by name.</param>
    /// <exception cref="Grpc.Core.RpcException">It is something else; the message names the field.</exception>
    public static byte[] Rewrite(ReadOnlyMemory<byte> json, MessageDescriptor type, IReadOnlyDictionary<string, object?> path)
    {
        using var stream = new MemoryStream(json.Length);
        using (var writer = new Utf8JsonWriter(stream))
            JsonFields.Parse(json, root => new JsonMessage(writer, path).Message(root, type, ""));
        return stream.ToArray();
    }

    private void Message(JsonElement json, MessageDescriptor type, string path)
    {
        JsonValueKind? other = type == PredictionInput.Descriptor ? JsonValueKind.String : null;
        if (json.ValueKind == other)
        {
            _writer.WriteStartObject();
            _writer.WriteString("text", JsonFields.Text(json, path));
            _writer.WriteEndObject();
            return;
        }

        var seen = new HashSet<FieldDescriptor>();
        _writer.WriteStartObject();
        foreach (var property in JsonFields.Expect(json, JsonValueKind.Object, path.Length == 0 ? "body" : path, other).EnumerateObject())
        {
            var name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            var field = type.Fields.InDeclarationOrder().FirstOrDefault(f => f.JsonName == property.Name || f.Name == property.Name)
                ?? throw JsonFields.Unknown(name, string.Join(", ", type.Fields.InDeclarationOrder().Select(f => f.JsonName)));
            if (!seen.Add(field)) throw Faults.Invalid(name, "expected once, found twice");

            // In protobuf's JSON, null stands for a field that is left out.
            if (property.Value.ValueKind == JsonValueKind.Null) continue;
            if (path.Length == 0
                && _path.GetValueOrDefault(field.Name) is string said
                && JsonFields.Text(property.Value, name) is var text
                && text != said)
                throw Faults.Invalid(name, $"expected \"{said}\" as the path says, or none, found \"{text}\"");
            _writer.WritePropertyName(field.JsonName);
            if (field.IsRepeated) List(property.Value, field, name);
            else Value(property.Value, field, name);
        }

        _writer.WriteEndObject();
    }

    private void List(JsonElement json, FieldDescriptor field, string path)
    {
        _writer.WriteStartArray();
        JsonFields.ForEach(json, path, (element, name) => Value(element, field, name));
        _writer.WriteEndArray();
    }

    private void Value(JsonElement json, FieldDescriptor field, string path)
    {
        switch (field.FieldType)
        {
            case FieldType.Message: Message(json, field.MessageType, path); break;
            case FieldType.String: _writer.WriteStringValue(JsonFields.Text(json, path)); break;
            case FieldType.Bool: _writer.WriteBooleanValue(JsonFields.Flag(json, path)); break;
            default: throw new NotSupportedException($"{field.FullName}: requests have texts, truth values and messages alone");
        }
    }
}
