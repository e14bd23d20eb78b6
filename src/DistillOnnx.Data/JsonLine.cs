using System.Text.Json;

namespace DistillOnnx.Data;

/// <summary>A line of a JSON Lines file.</summary>
/// <param name="Row">Line number in the file, counted from 1, blank lines included.</param>
/// <param name="Utf8">The line without its end. Valid until the next line is asked for.</param>
public readonly record struct JsonLine(long Row, ReadOnlyMemory<byte> Utf8)
{
    /// <summary>Says in the words of a message what was found in place of a JSON object.</summary>
    /// <param name="utf8">The line.</param>
    /// <param name="fault">What its parser threw.</param>
    public static string Describe(ReadOnlySpan<byte> utf8, JsonException fault)
    {
        // Read as the first part of a longer text, a line is at fault only where no more text could mend it.
        var reader = new Utf8JsonReader(utf8, isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            return $"a fault at byte {e.BytePositionInLine + 1} of {utf8.Length}";
        }

        return reader.CurrentDepth > 0 || reader.BytesConsumed < utf8.Length
            ? "one that is cut short"
            : $"one with a fault: {fault.Message.ReplaceLineEndings(" ")}";
    }

    /// <summary>A kind of JSON value in the words of a message.</summary>
    /// <param name="kind">The kind.</param>
    public static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a truth value",
        _ => "null",
    };
}
