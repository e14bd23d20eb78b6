using System.Text.Json;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Reads answers of OpenAI's protocol in the forms that endpoints give them.</summary>
/// <param name="endpoint">Names the endpoint in messages.</param>
/// <param name="model">The model that was asked.</param>
/// <param name="style">Conversation or text to be continued.</param>
internal sealed class OpenAIAnswer(Endpoint endpoint, string model, PromptStyle style)
{
    private const int LongestQuote = 100;
    private static readonly string[] CutOff = ["max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"];
    private static readonly string[] Withheld = ["safety", "recitation", "blocklist", "prohibited_content", "spii", "refusal", "sensitive"];

    /// <summary>Reads an answer; a refusal is one, and costs as much as any other.</summary>
    /// <exception cref="TeacherException">It is none.</exception>
    public ChatResponse Read(byte[] body)
    {
        UsageDetails? usage = null;
        try
        {
            using var document = JsonDocument.Parse(JsonEscapes.Mend(body));
            var root = document.RootElement;
            usage = ReportedUsage.Read(root);
            if (Choice(root.GetProperty("choices")) is not { } choice)
                throw Unreadable(body, usage, null, "a choice of index 0 among its \"choices\"");
            var finish = Finish(choice);
            var message = style == PromptStyle.Chat ? choice.GetProperty("message") : choice;
            var refusal = Text(message, "refusal") is { Length: > 0 } refused ? refused : null;
            message.TryGetProperty(style == PromptStyle.Chat ? "content" : "text", out var content);
            // An answer without content says why it ended, as where thoughts took all tokens.
            if (content.ValueKind == JsonValueKind.Undefined && finish is null && refusal is null) throw new KeyNotFoundException();
            var thoughts = Text(message, "reasoning_content") ?? Text(message, "reasoning") ?? Parts(content, thoughts: true);
            var answer = refusal ?? (content.ValueKind == JsonValueKind.String ? content.GetString() : Parts(content, thoughts: false));
            if (string.IsNullOrEmpty(answer)) answer = Arguments(message) ?? "";
            return new ChatResponse(new ChatMessage(
                ChatRole.Assistant,
                string.IsNullOrWhiteSpace(thoughts)
                    ? [new TextContent(answer)]
                    : [new TextReasoningContent(thoughts), new TextContent(answer)]))
            {
                ModelId = Text(root, "model") ?? model,
                FinishReason = refusal is null ? finish : ChatFinishReason.ContentFilter,
                Usage = usage,
            };
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Unreadable(body, usage ?? ReportedUsage.Find(body), e);
        }
    }

    // One answer is asked for, and its index is 0 wherever it stands; without an index the place counts.
    private static JsonElement? Choice(JsonElement choices)
    {
        var place = 0;
        foreach (var choice in choices.EnumerateArray())
        {
            var index = choice.ValueKind == JsonValueKind.Object
                && choice.TryGetProperty("index", out var given)
                && given.ValueKind == JsonValueKind.Number
                && given.TryGetInt32(out var number) ? number : place;
            if (index == 0) return choice;
            place++;
        }

        return null;
    }

    private TeacherException Unreadable(
        byte[] body, UsageDetails? usage, Exception? fault, string expected = "an answer of OpenAI's protocol")
    {
        var reported = EndpointFaults.Reports(body);
        var found = body.Length == 0 ? "nothing" : $"\"{EndpointFaults.OneLine(JsonEscapes.Mend(body), endpoint.Key, LongestQuote)}\"";
        return new TeacherException(
            TeacherFault.Transient,
            reported
                ? $"{endpoint.Url}: HTTP 200 with an error: {EndpointFaults.Read(body, endpoint.Key).Message}"
                : $"{endpoint.Url}: expected {expected}, found {found}",
            inner: fault)
        {
            Usage = usage,
            Unreadable = !reported,
        };
    }

    // Other services behind this protocol keep their own words.
    private static ChatFinishReason? Finish(JsonElement choice)
    {
        if (Text(choice, "finish_reason") is not { Length: > 0 } reason) return null;
        var word = reason.ToLowerInvariant();
        return CutOff.Contains(word) ? ChatFinishReason.Length
            : Withheld.Contains(word) ? ChatFinishReason.ContentFilter
            : new ChatFinishReason(word);
    }

    // Content may be a list of parts, of which some are thoughts.
    private static string? Parts(JsonElement content, bool thoughts)
    {
        if (content.ValueKind != JsonValueKind.Array) return null;
        var texts = content.EnumerateArray()
            .Where(p => p.ValueKind == JsonValueKind.String
                ? !thoughts
                : p.ValueKind == JsonValueKind.Object && Text(p, "type") is "thinking" or "reasoning" == thoughts)
            .Select(p => p.ValueKind == JsonValueKind.String ? p.GetString() : Text(p, "text")
                ?? Text(p, "thinking")
                ?? (p.TryGetProperty("thinking", out var inner) ? Parts(inner, thoughts: false) : null));
        return string.Concat(texts) is { Length: > 0 } text ? text : null;
    }

    // A model that takes the schema for a function answers by a call of it.
    private static string? Arguments(JsonElement message)
    {
        if (message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0)
            return calls[0].TryGetProperty("function", out var function) ? Given(function) : null;
        return message.TryGetProperty("function_call", out var call) ? Given(call) : null;
    }

    private static string? Given(JsonElement function) =>
        function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("arguments", out var given) ? null
        : given.ValueKind == JsonValueKind.String ? given.GetString()
        : given.ValueKind == JsonValueKind.Object ? given.GetRawText() : null;

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
