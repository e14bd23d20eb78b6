using Google.Protobuf.Reflection;
using Microsoft.OpenApi;

namespace DistillOnnx.Server.OpenApi;

/// <summary>
/// The schemas of a document: those of the server's own messages, read off their descriptors, and whatever is added by
/// hand.
/// </summary>
internal sealed class ApiSchemas(OpenApiDocument document)
{
    private readonly IDictionary<string, IOpenApiSchema> _schemas =
        (document.Components ??= new OpenApiComponents()).Schemas ??= new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);

    /// <summary>Adds a schema.</summary>
    public IOpenApiSchema Add(string name, OpenApiSchema schema)
    {
        _schemas[name] = schema;
        return new OpenApiSchemaReference(name, document);
    }

    /// <summary>A message, with all that it holds.</summary>
    public IOpenApiSchema Of(MessageDescriptor message)
    {
        if (!_schemas.ContainsKey(message.Name))
        {
            var schema = Object();
            _schemas[message.Name] = schema;
            foreach (var field in message.Fields.InDeclarationOrder())
            {
                var one = Of(field, message);
                schema.Properties![field.JsonName] = field.IsRepeated ? Array(one) : one;
            }
        }

        return new OpenApiSchemaReference(message.Name, document);
    }

    /// <summary>An object of named fields, and no others.</summary>
    public static OpenApiSchema Object(params (string Name, IOpenApiSchema Schema)[] fields) => new()
    {
        Type = JsonSchemaType.Object,
        AdditionalPropertiesAllowed = false,
        Properties = fields.ToDictionary(f => f.Name, f => f.Schema, StringComparer.Ordinal),
    };

    /// <summary>The same, of which some are always there.</summary>
    public static OpenApiSchema Object(string[] required, params (string Name, IOpenApiSchema Schema)[] fields)
    {
        var schema = Object(fields);
        schema.Required = new HashSet<string>(required, StringComparer.Ordinal);
        return schema;
    }

    /// <summary>An array.</summary>
    public static OpenApiSchema Array(IOpenApiSchema items) => new() { Type = JsonSchemaType.Array, Items = items };

    /// <summary>A text, one of several where these are named.</summary>
    public static OpenApiSchema Text(params string[] values) => new()
    {
        Type = JsonSchemaType.String,
        Enum = values.Length == 0 ? null : [.. values.Select(v => (System.Text.Json.Nodes.JsonNode)v)],
    };

    /// <summary>A truth value.</summary>
    public static OpenApiSchema Flag() => new() { Type = JsonSchemaType.Boolean };

    /// <summary>An integer.</summary>
    public static OpenApiSchema Integer() => new() { Type = JsonSchemaType.Integer };

    /// <summary>Anything.</summary>
    public static OpenApiSchema Any(string description) => new() { Description = description };

    private IOpenApiSchema Of(FieldDescriptor field, MessageDescriptor parent) => field.FieldType switch
    {
        FieldType.String => Text(),
        FieldType.Bool => Flag(),
        FieldType.Double => new OpenApiSchema { Type = JsonSchemaType.Number, Format = "double" },
        FieldType.Int32 => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" },
        FieldType.Enum => Text([.. field.EnumType.Values.Select(v => v.Name)]),
        FieldType.Message when field.MessageType == V1.PredictionInput.Descriptor => new OpenApiSchema
        {
            OneOf = [Of(field.MessageType), Text()],
            Description = "an input, or its text alone",
        },
        FieldType.Message => Of(field.MessageType),
        _ => throw new NotSupportedException($"{parent.FullName}.{field.Name}: no schema for {field.FieldType}"),
    };
}
