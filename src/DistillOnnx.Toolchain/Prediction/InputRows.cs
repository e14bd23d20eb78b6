using System.Text;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Rows to label, read one line at a time: <c>{"input", "id"?, "choices"?}</c>; a dataset's rows fit as they are.</summary>
internal static class InputRows
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static IEnumerable<(string Id, PredictionInput Input)> Read(Stream stream, string name, RowShard shard)
    {
        using var reader = new StreamReader(stream, StrictUtf8);
        for (long line = 1, row = 0; ; line++)
        {
            string? text;
            try
            {
                text = reader.ReadLine();
            }
            catch (DecoderFallbackException e)
            {
                throw new InputException($"{name}: not UTF-8 at or after row {line}", e);
            }

            if (text is null) yield break;
            if (string.IsNullOrWhiteSpace(text)) continue;
            if (shard.Contains(row++)) yield return Parse(text, name, line);
        }
    }

    private static (string Id, PredictionInput Input) Parse(string text, string name, long line)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw new InputException($"{name}: row {line}: expected a JSON object, found {root.ValueKind}");
            var input = Text(root, "input") ?? Text(root, "text") ?? throw new InputException($"{name}: row {line}: \"input\" is missing");
            string[]? choices = null;
            if (root.TryGetProperty("choices", out var list) && list.ValueKind != JsonValueKind.Null)
            {
                if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(c => c.ValueKind != JsonValueKind.String))
                    throw new InputException($"{name}: row {line}: \"choices\" must be a list of texts");
                choices = [.. list.EnumerateArray().Select(c => c.GetString()!)];
            }

            return (Text(root, "id") ?? line.ToString(System.Globalization.CultureInfo.InvariantCulture), new PredictionInput(input, choices));
        }
        catch (JsonException e)
        {
            throw new InputException($"{name}: row {line}: not JSON: {e.Message}", e);
        }

        string? Text(JsonElement root, string key)
        {
            if (!root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null) return null;
            if (value.ValueKind == JsonValueKind.String) return value.GetString();
            if (key == "id" && value.ValueKind == JsonValueKind.Number) return value.GetRawText();
            throw new InputException($"{name}: row {line}: \"{key}\" must be a text, found {value.ValueKind}");
        }
    }
}
