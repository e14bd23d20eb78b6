using System.Globalization;
using System.Text.Json;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>A JSON file of a tokenizer, read with errors that name the file and the key.</summary>
internal sealed class TokenizerJson : IDisposable
{
    private readonly JsonDocument _document;

    private TokenizerJson(JsonDocument document, string path) => (_document, Path) = (document, path);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The object that it holds.</summary>
    public JsonElement Root => _document.RootElement;

    /// <summary>Reads a file; null where there is none.</summary>
    /// <param name="directory">The tokenizer's directory.</param>
    /// <param name="name">The file's name.</param>
    /// <exception cref="InputException">It is not a JSON object.</exception>
    public static TokenizerJson? Open(string directory, string name)
    {
        var path = System.IO.Path.Combine(directory, name);
        if (!File.Exists(path)) return null;
        JsonDocument document;
        try
        {
            ReadOnlyMemory<byte> bytes = TokenizerFiles.ReadBounded(path);
            if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
            document = JsonDocument.Parse(bytes);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: not JSON, line {e.LineNumber + 1}: {InputText.Show(e.Message)}", e);
        }

        var json = new TokenizerJson(document, path);
        if (document.RootElement.ValueKind == JsonValueKind.Object) return json;
        using (json) throw new InputException($"{path}: expected a JSON object, found {document.RootElement.ValueKind}");
    }

    /// <summary>A value of an object; null where it is absent or null.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="key">The key.</param>
    public JsonElement? Get(JsonElement parent, string key)
    {
        if (parent.ValueKind != JsonValueKind.Object)
            throw new InputException($"{Path}: expected an object with \"{key}\", found {Shown(parent)}");
        return parent.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>A text of an object; null where it is absent or null.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="key">The key.</param>
    public string? Text(JsonElement parent, string key) => Get(parent, key) is { } value ? AsText(value, $"\"{key}\"") : null;

    /// <summary>An element that must be a text.</summary>
    /// <param name="value">The element.</param>
    /// <param name="what">What it is, for messages.</param>
    public string AsText(JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.String) throw Expected(value, what, "a text");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{Path}: {what} is not valid Unicode", e);
        }
    }

    /// <summary>A number of an object; null where it is absent or null.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="key">The key.</param>
    public int? Integer(JsonElement parent, string key) => Get(parent, key) is { } value ? AsInteger(value, $"\"{key}\"") : null;

    /// <summary>An element that must be a whole number.</summary>
    /// <param name="value">The element.</param>
    /// <param name="what">What it is, for messages.</param>
    public int AsInteger(JsonElement value, string what) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Expected(value, what, "a whole number");

    /// <summary>A switch of an object; null where it is absent or null.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="key">The key.</param>
    public bool? Flag(JsonElement parent, string key) => Get(parent, key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Expected(value, $"\"{key}\"", "true or false"),
    };

    /// <summary>The members of an object; none where it is absent or null.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="key">The key.</param>
    public IEnumerable<(string Key, JsonElement Value)> Members(JsonElement parent, string key)
    {
        if (Get(parent, key) is not { } value) return [];
        return value.ValueKind == JsonValueKind.Object ? Members(value) : throw Expected(value, $"\"{key}\"", "an object");
    }

    /// <summary>The members of an object.</summary>
    /// <param name="value">The object.</param>
    public IEnumerable<(string Key, JsonElement Value)> Members(JsonElement value)
    {
        foreach (var member in value.EnumerateObject())
        {
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException e)
            {
                throw new InputException($"{Path}: a key is not valid Unicode", e);
            }

            yield return (name, member.Value);
        }
    }

    /// <summary>The elements of a list; none where it is absent or null.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="key">The key.</param>
    public IEnumerable<JsonElement> Items(JsonElement parent, string key)
    {
        if (Get(parent, key) is not { } value) return [];
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Expected(value, $"\"{key}\"", "a list");
    }

    /// <summary>An id that stands as a key.</summary>
    /// <param name="key">The key.</param>
    public int Id(string key) => int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        ? id
        : throw new InputException($"{Path}: \"added_tokens_decoder\" has the key \"{InputText.Show(key)}\", expected an id");

    public void Dispose() => _document.Dispose();

    private InputException Expected(JsonElement value, string what, string expected) =>
        new($"{Path}: {what} is {Shown(value)}, expected {expected}");

    private static string Shown(JsonElement value) => InputText.Show(value.GetRawText());
}
