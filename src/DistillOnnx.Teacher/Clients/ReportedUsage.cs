using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// What an endpoint says an answer took, in the forms of OpenAI, Anthropic and Ollama. It is read of answers that cannot be read
/// otherwise, too, of those that were cut, and of errors: they are charged as any other.
/// </summary>
internal static class ReportedUsage
{
    private const string Name = "\"usage\"";

    /// <summary>Finds the report within a body of any form.</summary>
    /// <returns>Null where there is none.</returns>
    public static UsageDetails? Find(ReadOnlySpan<byte> body)
    {
        if (body.IndexOf("\"usage\""u8) < 0 && body.IndexOf("eval_count"u8) < 0) return null;
        var text = JsonEscapes.Mend(body);
        UsageDetails? found = null;
        // Streams have a report each line, of which the last one counts; the whole of a body that was cut is no JSON.
        foreach (var line in text.Split('\n'))
        {
            if (line.Contains("usage", StringComparison.Ordinal) || line.Contains("eval_count", StringComparison.Ordinal))
                found = Add(found, Line(line));
        }

        return found ?? Line(text);
    }

    /// <summary>Reads the report of an answer.</summary>
    /// <param name="root">The answer.</param>
    /// <returns>Null where it has none.</returns>
    public static UsageDetails? Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return null;
        if (Counted(root) is { } own) return own;
        if (root.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
            return Counted(usage) ?? new UsageDetails();
        // The first event of Anthropic's streams has it within the message.
        return root.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object
            && message.TryGetProperty("usage", out var inner) && inner.ValueKind == JsonValueKind.Object
            ? Counted(inner)
            : null;
    }

    // Later events of a stream repeat what they count, and leave out what was counted before.
    private static UsageDetails? Add(UsageDetails? before, UsageDetails? after) => after is null ? before : before is null ? after : new()
    {
        InputTokenCount = after.InputTokenCount ?? before.InputTokenCount,
        OutputTokenCount = after.OutputTokenCount ?? before.OutputTokenCount,
        ReasoningTokenCount = after.ReasoningTokenCount ?? before.ReasoningTokenCount,
    };

    private static UsageDetails? Line(string line)
    {
        if (line.StartsWith("data:", StringComparison.Ordinal)) line = line["data:".Length..];
        try
        {
            using var document = JsonDocument.Parse(line);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            return Part(line);
        }
    }

    // The report within a body that was cut after it.
    private static UsageDetails? Part(string text)
    {
        var at = text.LastIndexOf(Name, StringComparison.Ordinal);
        var brace = at < 0 ? -1 : text.IndexOf('{', at);
        if (brace < 0) return null;
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text[brace..]), isFinalBlock: true, default);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document)) return null;
            using (document) return Counted(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static UsageDetails? Counted(JsonElement usage)
    {
        if (usage.ValueKind != JsonValueKind.Object) return null;
        var input = Count(usage, "prompt_tokens") ?? Count(usage, "prompt_eval_count") ?? Anthropic(usage);
        var output = OutputTokens(usage) ?? Count(usage, "output_tokens") ?? Count(usage, "eval_count");
        return input is null && output is null ? null : new UsageDetails
        {
            InputTokenCount = input,
            OutputTokenCount = output,
            ReasoningTokenCount = usage.TryGetProperty("completion_tokens_details", out var details)
                && details.ValueKind == JsonValueKind.Object
                ? Count(details, "reasoning_tokens")
                : null,
        };
    }

    // What is written to the cache and read from it is left out of the prompt's count.
    private static long? Anthropic(JsonElement usage) => Count(usage, "input_tokens") is { } input
        ? input + (Count(usage, "cache_creation_input_tokens") ?? 0) + (Count(usage, "cache_read_input_tokens") ?? 0)
        : null;

    // Some endpoints leave thoughts out of the answer's tokens, but not out of the total, which is what they charge.
    private static long? OutputTokens(JsonElement usage)
    {
        var output = Count(usage, "completion_tokens");
        return Count(usage, "total_tokens") - Count(usage, "prompt_tokens") is { } rest && rest > (output ?? 0) ? rest : output;
    }

    private static long? Count(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count)
            ? count
            : null;
}
