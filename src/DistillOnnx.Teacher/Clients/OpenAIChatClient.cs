using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Implements the part of OpenAI's protocol that hosted services, vLLM, llama.cpp and Ollama have in common:
/// <c>/chat/completions</c>, or <c>/completions</c> for text to be continued. Faults are sorted by how far they reach; nothing
/// is repeated here. Every request carries its key as <c>Idempotency-Key</c>, so that an endpoint that honours it does not
/// charge twice for an answer that got lost on the way.
/// </summary>
internal sealed class OpenAIChatClient : IChatClient
{
    private const int LongestAnswer = 16 << 20;
    private const int CopyBlock = 1 << 16;
    private const int LongestQuote = 100;
    private const string AzureVersion = "2024-10-21";
    private readonly bool _azure;
    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly string _model;
    private readonly string? _key;
    private readonly PromptStyle _style;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;
    private static readonly string[] StreamWords = ["must", "only", "require", "non-stream", "set to true", "enable stream"];
    private volatile string _limitName = "max_tokens";
    private volatile bool _streams;

    /// <summary>Creates the client; nothing is sent.</summary>
    /// <param name="spec">Model and place.</param>
    /// <param name="key">The key; null: none is sent.</param>
    /// <param name="style">Which of the two paths to ask.</param>
    /// <param name="timeout">The longest that an answer may take, to its last byte.</param>
    /// <param name="concurrency">The most connections.</param>
    /// <param name="clock">Reads dates in Retry-After.</param>
    public OpenAIChatClient(TeacherSpec spec, string? key, PromptStyle style, TimeSpan timeout, int concurrency, TimeProvider clock)
    {
        _url = spec.Url!;
        _azure = spec.Kind == "azure";
        _model = spec.Model;
        _key = key;
        _style = style;
        _timeout = timeout;
        _clock = clock;
        _http = new HttpClient(new SocketsHttpHandler
        {
            MaxConnectionsPerServer = concurrency + 1,
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            ConnectTimeout = TimeSpan.FromSeconds(15),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LongestAnswer,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue(
            "DistillOnnx", typeof(OpenAIChatClient).Assembly.GetName().Version?.ToString(3)));
    }

    /// <summary>Asks for the list of models, which costs nothing: shows whether place, key and model are right.</summary>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <returns>The result of the check, one line.</returns>
    /// <exception cref="TeacherException">Place or key are wrong.</exception>
    public async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        var reply = await SendAsync(HttpMethod.Get, "models", null, null, cancellationToken).ConfigureAwait(false);
        if (reply.Status == HttpStatusCode.NotFound)
            return $"{_url} is reached; it does not list its models, so that key and model stay unchecked";
        RequireSuccess(reply);
        try
        {
            using var document = JsonDocument.Parse(reply.Body);
            var names = document.RootElement.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()).ToList();
            if (!names.Contains(_model) && !names.Contains(_model + ":latest"))
                throw new TeacherException(
                    TeacherFault.Setup,
                    $"{_url} accepts the key but has no model \"{_model}\"; it has "
                    + $"{string.Join(", ", names.Take(10))}{(names.Count > 10 ? ", …" : "")}");
            return $"{_url} accepts the key and has the model \"{_model}\"";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return $"{_url} is reached; its list of models has another form";
        }
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages as IList<ChatMessage> ?? [.. messages];
        var key = options?.AdditionalProperties?.TryGetValue(RequestKey.Idempotency, out var value) == true ? value as string : null;
        Reply reply;
        while (true)
        {
            var sent = Body(prompt, options);
            reply = await SendAsync(HttpMethod.Post, Path, Json(sent), key, cancellationToken).ConfigureAwait(false);
            WantsOtherParameters((int)reply.Status, reply.Body);
            if ((int)reply.Status is not (400 or 422)) break;
            // Another request may have had the parameter left out while this one was on its way. A refusal costs nothing, and
            // each parameter is left out at most once, so the loop ends.
            if (Refused.FormatIsDenied || Body(prompt, options).AsSpan().SequenceEqual(sent)) break;
        }

        RequireSuccess(reply);
        return Answer(reply.Body);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("answers are taken whole and not streamed");

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Whether an answer refuses a parameter that can be named otherwise or left out, as it is from then on.</summary>
    internal bool WantsOtherParameters(int status, byte[] body)
    {
        if (status is not (400 or 422)) return false;
        var (message, code) = Error(body);
        if (EndpointFaults.IsRefusal(code)) return false;
        if (message.Contains("max_completion_tokens", StringComparison.Ordinal))
        {
            _limitName = "max_completion_tokens";
            return true;
        }

        if (!_streams && StreamOnly(message)) return _streams = true;
        return Refused.Note(_url.AbsoluteUri, message);
    }

    /// <summary>What the model refuses.</summary>
    internal RefusedParameters Refused { get; } = new();

    private static bool StreamOnly(string message) =>
        message.Contains("stream", StringComparison.OrdinalIgnoreCase)
            && StreamWords.Any(w => message.Contains(w, StringComparison.OrdinalIgnoreCase));

    /// <summary>Which path of the protocol is asked.</summary>
    internal string Path => _style == PromptStyle.Chat ? "chat/completions" : "completions";

    /// <summary>The body of a request.</summary>
    internal byte[] Body(IList<ChatMessage> prompt, ChatOptions? options)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("model", _model);
            if (_style == PromptStyle.Completion)
            {
                json.WriteString("prompt", string.Concat(prompt.Select(m => m.Text)));
            }
            else
            {
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

            if (options?.Temperature is { } temperature && !Refused.Has(RefusedParameters.Temperature))
                json.WriteNumber("temperature", Math.Round((double)temperature, 4));
            if (options?.TopP is { } top && !Refused.Has(RefusedParameters.TopP)) json.WriteNumber("top_p", Math.Round((double)top, 4));
            if (options?.MaxOutputTokens is { } tokens) json.WriteNumber(_limitName, tokens);
            if (options?.Seed is { } seed && !Refused.Has(RefusedParameters.Seed)) json.WriteNumber("seed", seed);
            if (options?.StopSequences is { Count: > 0 } stops && !Refused.Has(RefusedParameters.Stop))
            {
                json.WriteStartArray("stop");
                foreach (var stop in stops) json.WriteStringValue(stop);
                json.WriteEndArray();
            }

            if (options?.Reasoning?.Effort is { } effort && !Refused.Has(RefusedParameters.Reasoning))
                json.WriteString("reasoning_effort", effort == ReasoningEffort.ExtraHigh ? "xhigh" : effort.ToString().ToLowerInvariant());
            if (_streams)
            {
                json.WriteBoolean("stream", true);
                json.WriteStartObject("stream_options");
                json.WriteBoolean("include_usage", true);
                json.WriteEndObject();
            }

            if (options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } format && !Refused.Has(RefusedParameters.Format))
            {
                json.WriteStartObject("response_format");
                json.WriteString("type", "json_schema");
                json.WriteStartObject("json_schema");
                json.WriteString("name", format.SchemaName ?? "answer");
                json.WriteBoolean("strict", true);
                json.WritePropertyName("schema");
                schema.WriteTo(json);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Sends a request of the protocol's other paths; repeats nothing.</summary>
    /// <exception cref="TeacherException">The endpoint did not answer, or refused the request.</exception>
    internal async Task<byte[]> CallAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        // A file goes up as fast as the line is: a megabyte a second at the least, on top of what any answer may take.
        var upload = TimeSpan.FromSeconds((content?.Headers.ContentLength ?? 0) >> 20);
        var reply = await SendAsync(method, path, content, null, cancellationToken, upload).ConfigureAwait(false);
        RequireSuccess(reply);
        return reply.Body;
    }

    /// <summary>Sends a request whose answer may be large, to a file.</summary>
    /// <exception cref="TeacherException">The endpoint did not answer, or refused the request.</exception>
    internal async Task DownloadAsync(string path, string file, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path, null, null);
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stalled.CancelAfter(_timeout);
        try
        {
            using var response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, stalled.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                RequireSuccess(new Reply(
                    response.StatusCode,
                    await response.Content.ReadAsByteArrayAsync(stalled.Token).ConfigureAwait(false),
                    EndpointFaults.RetryAfter(response, _clock)));
            await using var from = await response.Content.ReadAsStreamAsync(stalled.Token).ConfigureAwait(false);
            await using var to = File.Create(file);
            var buffer = new byte[CopyBlock];
            for (int count; (count = await from.ReadAsync(buffer, stalled.Token).ConfigureAwait(false)) > 0;)
            {
                // A large file may take long as a whole; each piece of it may not.
                stalled.CancelAfter(_timeout);
                await to.WriteAsync(buffer.AsMemory(0, count), stalled.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TeacherException(TeacherFault.Transient, $"{_url}: the file stalled for {_timeout.TotalSeconds:0.###} s", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new TeacherException(TeacherFault.Transient, $"{_url}: the file was cut: {e.Message}", inner: e);
        }
    }

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

    private async Task<Reply> SendAsync(
        HttpMethod method, string path, HttpContent? content, string? key, CancellationToken cancellationToken, TimeSpan extra = default)
    {
        using var request = Request(method, path, content, key);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_timeout + extra);
        try
        {
            using var response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseContentRead, timeout.Token).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(timeout.Token).ConfigureAwait(false);
            if (response.Content.Headers.ContentType?.MediaType == "text/event-stream" && response.IsSuccessStatusCode)
                bytes = StreamedAnswer.Join(bytes, _url);
            return new Reply(response.StatusCode, bytes, EndpointFaults.RetryAfter(response, _clock));
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TeacherException(TeacherFault.Transient, $"{_url}: no answer within {_timeout.TotalSeconds:0.###} s", inner: e);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.NameResolutionError)
        {
            throw new TeacherException(TeacherFault.Unreachable, $"{_url}: no host of this name is found", inner: e);
        }
        catch (HttpRequestException e)
            when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError)
        {
            throw new TeacherException(TeacherFault.Unreachable, $"{_url}: cannot be reached: {e.Message}", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new TeacherException(TeacherFault.Transient, $"{_url}: the answer was cut: {e.Message}", inner: e);
        }
    }

    /// <summary>A body as it is sent.</summary>
    internal static HttpContent Json(byte[] body) =>
        new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    // Azure names the deployment in the path and the protocol's version in the query; its newer paths (/openai/v1) are OpenAI's.
    private string Place(string path)
    {
        var url = _url.AbsoluteUri.TrimEnd('/');
        if (!_azure || url.EndsWith("/v1", StringComparison.Ordinal)) return $"{url}/{path}";
        return path == "models"
            ? $"{url}/openai/models?api-version={AzureVersion}"
            : $"{url}/openai/deployments/{Uri.EscapeDataString(_model)}/{path}?api-version={AzureVersion}";
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content, string? key)
    {
        var request = new HttpRequestMessage(method, Place(path)) { Content = content };
        if (_azure && _key is not null) request.Headers.TryAddWithoutValidation("api-key", _key);
        else if (_key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _key);
        if (key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return request;
    }

    /// <summary>Sorts an answer's status by how far its fault reaches.</summary>
    /// <exception cref="TeacherException">The endpoint refused the request.</exception>
    internal void RequireSuccess(int status, byte[] body) => RequireSuccess(new Reply((HttpStatusCode)status, body, null));

    private void RequireSuccess(Reply reply)
    {
        var status = (int)reply.Status;
        if (status is >= 200 and < 300) return;
        var (message, code) = Error(reply.Body);
        var advice = status switch
        {
            401 or 403 => _azure ? "; set the key by AZURE_OPENAI_API_KEY or --api-key-file" : "; set the key by DISTILL_ANNOTATE_API_KEY",
            404 => $"; expected the model \"{_model}\" there",
            _ => "",
        };
        throw EndpointFaults.Of(_url, reply.Status, message, code, advice, reply.RetryAfter);
    }

    /// <summary>Reads an answer.</summary>
    /// <exception cref="TeacherException">It is none, or the model refused.</exception>
    internal ChatResponse Answer(byte[] body)
    {
        UsageDetails? usage = null;
        try
        {
            using var document = JsonDocument.Parse(JsonEscapes.Mend(body));
            var root = document.RootElement;
            usage = Usage(root);
            var choice = root.GetProperty("choices")[0];
            var finish = choice.TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String
                ? reason.GetString()
                : null;
            var message = _style == PromptStyle.Chat ? choice.GetProperty("message") : choice;
            // A refusal is an answer: it costs as much as any other.
            var refused = message.TryGetProperty("refusal", out var refusal)
                && refusal.ValueKind == JsonValueKind.String
                && refusal.GetString()!.Length > 0;
            var content = refused ? refusal
                : message.TryGetProperty(_style == PromptStyle.Chat ? "content" : "text", out var text) || finish == "content_filter" ? text
                : throw new KeyNotFoundException();
            var thoughts = Text(message, "reasoning_content") ?? Text(message, "reasoning") ?? Parts(content, thoughts: true);
            var answer = content.ValueKind == JsonValueKind.String ? content.GetString()! : Parts(content, thoughts: false) ?? "";
            return new ChatResponse(new ChatMessage(
                ChatRole.Assistant,
                string.IsNullOrWhiteSpace(thoughts)
                    ? [new TextContent(answer)]
                    : [new TextReasoningContent(thoughts), new TextContent(answer)]))
            {
                ModelId = root.TryGetProperty("model", out var model) ? model.GetString() : _model,
                FinishReason = refused ? ChatFinishReason.ContentFilter : finish is null ? null : new ChatFinishReason(finish),
                Usage = usage,
            };
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or FormatException)
        {
            var (message, _) = Error(body);
            var reported = EndpointFaults.Reports(body);
            throw new TeacherException(
                TeacherFault.Transient,
                reported
                    ? $"{_url}: HTTP 200 with an error: {message}"
                    : $"{_url}: expected an answer of OpenAI's protocol, found {(body.Length == 0 ? "nothing" : $"\"{Start(body)}\"")}",
                inner: e)
            {
                Usage = usage,
                Unreadable = !reported,
            };
        }
    }

    private string Start(byte[] body) => EndpointFaults.OneLine(JsonEscapes.Mend(body), _key, LongestQuote);

    private static UsageDetails? Usage(JsonElement root) =>
        root.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
            ? new UsageDetails
            {
                InputTokenCount = Count(usage, "prompt_tokens"),
                OutputTokenCount = OutputTokens(usage),
                ReasoningTokenCount = usage.TryGetProperty("completion_tokens_details", out var details)
                    && details.ValueKind == JsonValueKind.Object
                    ? Count(details, "reasoning_tokens")
                    : null,
            }
            : null;

    // Some endpoints leave thoughts out of the answer's tokens, but not out of the total, which is what they charge.
    private static long? OutputTokens(JsonElement usage)
    {
        var output = Count(usage, "completion_tokens");
        return Count(usage, "total_tokens") - Count(usage, "prompt_tokens") is { } rest && rest > (output ?? 0) ? rest : output;
    }

    private static long? Count(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;

    // Content may be a list of parts, of which some are thoughts.
    private static string? Parts(JsonElement content, bool thoughts)
    {
        if (content.ValueKind != JsonValueKind.Array) return null;
        var texts = content.EnumerateArray()
            .Where(p => p.ValueKind == JsonValueKind.Object && Text(p, "type") is "thinking" or "reasoning" == thoughts)
            .Select(p => Text(p, "text")
                ?? Text(p, "thinking")
                ?? (p.TryGetProperty("thinking", out var inner) ? Parts(inner, thoughts: false) : null));
        return string.Concat(texts) is { Length: > 0 } text ? text : null;
    }

    private (string Message, string Code) Error(byte[] body) => EndpointFaults.Read(body, _key);

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private readonly record struct Reply(HttpStatusCode Status, byte[] Body, TimeSpan? RetryAfter);
}
