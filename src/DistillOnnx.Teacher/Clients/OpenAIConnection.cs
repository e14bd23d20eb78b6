using System.Net.Http.Headers;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Sends requests of OpenAI's protocol and repeats none. Faults are sorted by how far they reach.</summary>
internal sealed class OpenAIConnection : IDisposable
{
    private const int LongestAnswer = 16 << 20;
    private const int CopyBlock = 1 << 16;
    private const string AzureVersion = "2024-10-21";
    private readonly HttpClient _http;
    private readonly Endpoint _endpoint;
    private readonly string _model;
    private readonly bool _azure;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;

    /// <summary>Creates the connection; nothing is sent.</summary>
    /// <param name="endpoint">Where, and by which key.</param>
    /// <param name="spec">Model and place.</param>
    /// <param name="timeout">The longest that an answer may take, to its last byte.</param>
    /// <param name="concurrency">The most connections.</param>
    /// <param name="clock">Reads dates in Retry-After.</param>
    public OpenAIConnection(Endpoint endpoint, TeacherSpec spec, TimeSpan timeout, int concurrency, TimeProvider clock)
    {
        (_endpoint, _model, _azure, _timeout, _clock) = (endpoint, spec.Model, spec.Kind == "azure", timeout, clock);
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
            "DistillOnnx", typeof(OpenAIConnection).Assembly.GetName().Version?.ToString(3)));
    }

    /// <summary>Sends a request; a stream of events is put together.</summary>
    /// <param name="method">How.</param>
    /// <param name="path">The path below the endpoint's URL.</param>
    /// <param name="content">The body; null: none.</param>
    /// <param name="key">The request's idempotency key; null: none.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="TeacherException">The endpoint did not answer.</exception>
    public async Task<OpenAIReply> SendAsync(
        HttpMethod method, string path, HttpContent? content, string? key, CancellationToken cancellationToken)
    {
        // A file goes up as fast as the line is: a megabyte a second at the least, on top of what any answer may take.
        var limit = _timeout + TimeSpan.FromSeconds((content?.Headers.ContentLength ?? 0) >> 20);
        using var request = Request(method, path, content, key);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            using var response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseContentRead, timeout.Token).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(timeout.Token).ConfigureAwait(false);
            if (response.Content.Headers.ContentType?.MediaType == "text/event-stream" && response.IsSuccessStatusCode)
                bytes = StreamedAnswer.Join(bytes, _endpoint.Url);
            return Reply(response, bytes);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw _endpoint.TimedOut(limit, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw _endpoint.Broken(e);
        }
    }

    /// <summary>Sends a request whose answer may be large, to a file.</summary>
    /// <exception cref="TeacherException">The endpoint did not answer, or refused the request.</exception>
    public async Task DownloadAsync(string path, string file, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path, null, null);
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stalled.CancelAfter(_timeout);
        try
        {
            using var response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, stalled.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                RequireSuccess(Reply(response, await response.Content.ReadAsByteArrayAsync(stalled.Token).ConfigureAwait(false)));
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
            throw new TeacherException(
                TeacherFault.Transient, $"{_endpoint.Url}: the file stalled for {_timeout.TotalSeconds:0.###} s", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new TeacherException(TeacherFault.Transient, $"{_endpoint.Url}: the file was cut: {e.Message}", inner: e);
        }
    }

    /// <summary>Requires that a request was accepted.</summary>
    /// <exception cref="TeacherException">The endpoint refused it.</exception>
    public void RequireSuccess(OpenAIReply reply)
    {
        if (!reply.IsSuccess) throw _endpoint.Refused(reply.Status, reply.Body, reply.RetryAfter, reply.Location);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private OpenAIReply Reply(HttpResponseMessage response, byte[] body) =>
        new(response.StatusCode, body, EndpointFaults.RetryAfter(response, _clock), response.Headers.Location);

    // Azure names the deployment in the path and the protocol's version in the query; its newer paths (/openai/v1) are OpenAI's.
    private string Place(string path)
    {
        var url = _endpoint.Url.AbsoluteUri.TrimEnd('/');
        if (!_azure || url.EndsWith("/v1", StringComparison.Ordinal)) return $"{url}/{path}";
        return path == "models"
            ? $"{url}/openai/models?api-version={AzureVersion}"
            : $"{url}/openai/deployments/{Uri.EscapeDataString(_model)}/{path}?api-version={AzureVersion}";
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content, string? key)
    {
        var request = new HttpRequestMessage(method, Place(path)) { Content = content };
        if (_azure && _endpoint.Key is { } azure) request.Headers.TryAddWithoutValidation("api-key", azure);
        else if (_endpoint.Key is { } bearer) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return request;
    }
}
