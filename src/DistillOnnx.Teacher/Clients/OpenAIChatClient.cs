using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Implements the part of OpenAI's protocol that hosted services, vLLM, llama.cpp and Ollama have in common:
/// <c>/chat/completions</c>, or <c>/completions</c> for text to be continued. Nothing is repeated here, but for parameters that are
/// refused. Every request carries its key as <c>Idempotency-Key</c>, so that an endpoint that honours it does not charge twice for an
/// answer that got lost on the way.
/// </summary>
internal sealed class OpenAIChatClient : IChatClient
{
    private readonly string _model;
    private readonly Endpoint _endpoint;
    private readonly OpenAIConnection _connection;
    private readonly OpenAIRequestBody _requests;
    private readonly OpenAIAnswer _answers;

    /// <summary>Creates the client; nothing is sent.</summary>
    /// <param name="spec">Model and place.</param>
    /// <param name="key">The key; null: none is sent.</param>
    /// <param name="style">Which of the two paths to ask.</param>
    /// <param name="timeout">The longest that an answer may take, to its last byte.</param>
    /// <param name="concurrency">The most connections.</param>
    /// <param name="clock">Reads dates in Retry-After.</param>
    public OpenAIChatClient(TeacherSpec spec, string? key, PromptStyle style, TimeSpan timeout, int concurrency, TimeProvider clock)
    {
        _model = spec.Model;
        _endpoint = Providers.Endpoint(spec, key);
        _connection = new OpenAIConnection(_endpoint, spec, timeout, concurrency, clock);
        _requests = new OpenAIRequestBody(_endpoint.Url, spec.Model, style);
        _answers = new OpenAIAnswer(_endpoint, spec.Model, style);
        Path = style == PromptStyle.Chat ? "chat/completions" : "completions";
    }

    /// <summary>What the model refuses.</summary>
    internal RefusedParameters Refused => _requests.Refused;

    /// <summary>Which path of the protocol is asked.</summary>
    internal string Path { get; }

    /// <summary>Asks for the list of models, which costs nothing: shows whether place, key and model are right.</summary>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <returns>The result of the check, one line.</returns>
    /// <exception cref="TeacherException">Place or key are wrong.</exception>
    public async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        var reply = await _connection.SendAsync(HttpMethod.Get, "models", null, null, cancellationToken).ConfigureAwait(false);
        if (reply.Status == HttpStatusCode.NotFound)
            return $"{_endpoint.Url} is reached; it does not list its models, so that key and model stay unchecked";
        _connection.RequireSuccess(reply);
        try
        {
            using var document = JsonDocument.Parse(reply.Body);
            var names = document.RootElement.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()).ToList();
            if (!names.Contains(_model) && !names.Contains(_model + ":latest"))
                throw new TeacherException(
                    TeacherFault.Setup,
                    $"{_endpoint.Url} accepts the key but has no model \"{_model}\"; it has "
                    + $"{string.Join(", ", names.Take(10))}{(names.Count > 10 ? ", …" : "")}");
            return $"{_endpoint.Url} accepts the key and has the model \"{_model}\"";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return $"{_endpoint.Url} is reached; its list of models has another form";
        }
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages as IList<ChatMessage> ?? [.. messages];
        var key = options?.AdditionalProperties?.TryGetValue(RequestKey.Idempotency, out var value) == true ? value as string : null;
        OpenAIReply reply;
        while (true)
        {
            var sent = Body(prompt, options);
            reply = await _connection.SendAsync(HttpMethod.Post, Path, Json(sent), key, cancellationToken).ConfigureAwait(false);
            WantsOtherParameters((int)reply.Status, reply.Body);
            if ((int)reply.Status is not (400 or 422)) break;
            // Another request may have had the parameter left out while this one was on its way. A refusal costs nothing, and
            // each parameter is left out at most once, so the loop ends.
            if (Refused.FormatIsDenied || Body(prompt, options).AsSpan().SequenceEqual(sent)) break;
            Refused.NoteResent();
        }

        _connection.RequireSuccess(reply);
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
    public void Dispose() => _connection.Dispose();

    /// <summary>Whether an answer refuses a parameter that can be named otherwise or left out, as it is from then on.</summary>
    internal bool WantsOtherParameters(int status, byte[] body)
    {
        if (status is not (400 or 422)) return false;
        var (message, code) = EndpointFaults.Read(body, _endpoint.Key);
        return !EndpointFaults.IsRefusal(code) && _requests.WantsOthers(message);
    }

    /// <summary>The body of a request.</summary>
    internal byte[] Body(IList<ChatMessage> prompt, ChatOptions? options) => _requests.Write(prompt, options);

    /// <summary>Sends a request of the protocol's other paths; repeats nothing.</summary>
    /// <exception cref="TeacherException">The endpoint did not answer, or refused the request.</exception>
    internal async Task<byte[]> CallAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        var reply = await _connection.SendAsync(method, path, content, null, cancellationToken).ConfigureAwait(false);
        _connection.RequireSuccess(reply);
        return reply.Body;
    }

    /// <summary>Sends a request whose answer may be large, to a file.</summary>
    /// <exception cref="TeacherException">The endpoint did not answer, or refused the request.</exception>
    internal Task DownloadAsync(string path, string file, CancellationToken cancellationToken) =>
        _connection.DownloadAsync(path, file, cancellationToken);

    /// <summary>A body as it is sent.</summary>
    internal static HttpContent Json(byte[] body) =>
        new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    /// <summary>Sorts an answer's status by how far its fault reaches.</summary>
    /// <exception cref="TeacherException">The endpoint refused the request.</exception>
    internal void RequireSuccess(int status, byte[] body) => _connection.RequireSuccess(new OpenAIReply((HttpStatusCode)status, body));

    /// <summary>Reads an answer.</summary>
    /// <exception cref="TeacherException">It is none.</exception>
    internal ChatResponse Answer(byte[] body) => _answers.Read(body);
}
