using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Journaling;

/// <summary>
/// Names a request by everything that shapes its answer: model, prompt, parameters and the number of the sample. Where the
/// data came from and which code asked do not enter, so edits of either leave paid answers valid.
/// </summary>
public static class RequestKey
{
    /// <summary>Key of <see cref="ChatOptions.AdditionalProperties"/> for the number of the sample; each number is a
    /// request of its own.</summary>
    public const string Sample = "distill.sample";

    /// <summary>Key of <see cref="ChatOptions.AdditionalProperties"/> for the number of the attempt, after answers that
    /// could not be parsed.</summary>
    public const string Attempt = "distill.attempt";

    /// <summary>Key of <see cref="ChatOptions.AdditionalProperties"/> for the request's key, which is sent to endpoints
    /// as <c>Idempotency-Key</c>.</summary>
    public const string Idempotency = "distill.key";

    /// <summary>Key of <see cref="ChatOptions.AdditionalProperties"/> for the row's bare input, which teachers that are
    /// no language models read.</summary>
    public const string Input = "distill.input";

    /// <summary>The key: the first half of the SHA-256 of the request's canonical form.</summary>
    /// <param name="model">The model and how it is asked.</param>
    /// <param name="messages">The prompt.</param>
    /// <param name="options">The parameters.</param>
    public static UInt128 Compute(string model, IEnumerable<ChatMessage> messages, ChatOptions options)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartArray();
            json.WriteStringValue(model);
            foreach (var message in messages)
            {
                json.WriteStringValue(message.Role.Value);
                json.WriteStringValue(message.Text);
            }

            json.WriteStartObject();
            if (options.Temperature is { } temperature) json.WriteNumber("temperature", temperature);
            if (options.TopP is { } top) json.WriteNumber("top_p", top);
            if (options.MaxOutputTokens is { } tokens) json.WriteNumber("max_tokens", tokens);
            if (options.Seed is { } seed) json.WriteNumber("seed", seed);
            if (options.StopSequences is { } stops) json.WriteString("stop", string.Join('\u0001', stops));
            if (options.ResponseFormat is ChatResponseFormatJson { Schema: { } schema }) json.WriteString("schema", schema.GetRawText());
            if (options.Reasoning?.Effort is { } effort) json.WriteString("reasoning", effort.ToString());
            json.WriteNumber("sample", Number(options, Sample));
            json.WriteNumber("attempt", Number(options, Attempt));
            json.WriteEndObject();
            json.WriteEndArray();
        }

        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(stream.ToArray()));
    }

    /// <summary>A short name of a prompt, for provenance: SHA-256 in lower-case hexadecimal.</summary>
    /// <param name="messages">The prompt.</param>
    public static string PromptHash(IEnumerable<ChatMessage> messages) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
            '\u0001', messages.Select(m => $"{m.Role.Value}\u0002{m.Text}")))));

    private static int Number(ChatOptions options, string key) =>
        options.AdditionalProperties?.TryGetValue(key, out var value) == true && value is int number ? number : 0;
}
