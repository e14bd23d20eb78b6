using System.Text.Json;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Writes requests of OpenAI's protocol, without the parameters that the model refused.</summary>
/// <param name="url">Names the endpoint in notices.</param>
/// <param name="model">The model.</param>
/// <param name="style">Conversation or text to be continued.</param>
internal sealed class OpenAIRequestBody(Uri url, string model, PromptStyle style)
{
    private static readonly string[] StreamWords = ["must", "only", "require", "non-stream", "set to true", "enable stream"];
    private volatile string _limitName = "max_tokens";
    private volatile bool _streams;

    /// <summary>What the model refuses.</summary>
    public RefusedParameters Refused { get; } = new();

    /// <summary>Notes what an error refuses.</summary>
    /// <param name="message">The error's message.</param>
    /// <returns>Whether that is a parameter which can be named otherwise or left out, as it is from then on.</returns>
    public bool WantsOthers(string message)
    {
        if (message.Contains("max_completion_tokens", StringComparison.Ordinal))
        {
            _limitName = "max_completion_tokens";
            return true;
        }

        if (!_streams && StreamOnly(message)) return _streams = true;
        return Refused.Note(url.AbsoluteUri, message);
    }

    /// <summary>The body of a request.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="options">The parameters; null: none.</param>
    public byte[] Write(IList<ChatMessage> prompt, ChatOptions? options)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            WritePrompt(json, prompt);
            if (options is not null) WriteParameters(json, options);
            if (_streams)
            {
                json.WriteBoolean("stream", true);
                json.WriteStartObject("stream_options");
                json.WriteBoolean("include_usage", true);
                json.WriteEndObject();
            }

            if (options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } format && !Refused.Has(RefusedParameters.Format))
                WriteSchema(json, schema, format.SchemaName ?? "answer");
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void WritePrompt(Utf8JsonWriter json, IList<ChatMessage> prompt)
    {
        if (style == PromptStyle.Completion)
        {
            json.WriteString("prompt", string.Concat(prompt.Select(m => m.Text)));
            return;
        }

        json.WriteStartArray("messages");
        foreach (var message in Refused.Has(RefusedParameters.System) ? WithoutSystem(prompt) : prompt)
        {
            json.WriteStartObject();
            json.WriteString("role", message.Role.Value);
            json.WriteString("content", message.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteParameters(Utf8JsonWriter json, ChatOptions options)
    {
        if (options.Temperature is { } temperature && !Refused.Has(RefusedParameters.Temperature))
            json.WriteNumber("temperature", Math.Round((double)temperature, 4));
        if (options.TopP is { } top && !Refused.Has(RefusedParameters.TopP)) json.WriteNumber("top_p", Math.Round((double)top, 4));
        if (options.MaxOutputTokens is { } tokens) json.WriteNumber(_limitName, tokens);
        if (options.Seed is { } seed && !Refused.Has(RefusedParameters.Seed)) json.WriteNumber("seed", seed);
        if (options.StopSequences is { Count: > 0 } stops && !Refused.Has(RefusedParameters.Stop))
        {
            json.WriteStartArray("stop");
            foreach (var stop in stops) json.WriteStringValue(stop);
            json.WriteEndArray();
        }

        if (options.Reasoning?.Effort is { } effort && !Refused.Has(RefusedParameters.Reasoning))
            json.WriteString("reasoning_effort", effort == ReasoningEffort.ExtraHigh ? "xhigh" : effort.ToString().ToLowerInvariant());
    }

    private static void WriteSchema(Utf8JsonWriter json, JsonElement schema, string name)
    {
        json.WriteStartObject("response_format");
        json.WriteString("type", "json_schema");
        json.WriteStartObject("json_schema");
        json.WriteString("name", name);
        json.WriteBoolean("strict", true);
        json.WritePropertyName("schema");
        schema.WriteTo(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static bool StreamOnly(string message) =>
        message.Contains("stream", StringComparison.OrdinalIgnoreCase)
            && StreamWords.Any(w => message.Contains(w, StringComparison.OrdinalIgnoreCase));

    // The system message is put before the first question.
    private static IEnumerable<ChatMessage> WithoutSystem(IList<ChatMessage> prompt)
    {
        var system = string.Join("\n\n", prompt.Where(m => m.Role == ChatRole.System).Select(m => m.Text));
        foreach (var message in prompt.Where(m => m.Role != ChatRole.System))
        {
            yield return system.Length > 0 ? new ChatMessage(message.Role, $"{system}\n\n{message.Text}") : message;
            system = "";
        }
    }
}
