namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Below a provider's package: reports faults by <see cref="TeacherException"/>, so that each provider's are sorted alike, and the package
/// neither repeats nor rephrases them.
/// </summary>
/// <param name="endpoint">Names it in messages.</param>
/// <param name="timeout">The longest that an answer may take.</param>
/// <param name="clock">Reads dates in Retry-After.</param>
internal sealed class FaultHandler(Endpoint endpoint, TimeSpan timeout, TimeProvider clock)
    : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15) })
{
    /// <summary>The header that carries the key, set here, even where the package sets it too; null: the package or the
    /// client sets it.</summary>
    public string? KeyHeader { get; init; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        if (KeyHeader is not null)
        {
            request.Headers.Remove(KeyHeader);
            if (endpoint.Key is { } key) request.Headers.TryAddWithoutValidation(KeyHeader, key);
        }

        try
        {
            var response = await base.SendAsync(request, limit.Token).ConfigureAwait(false);
            // Read here, so that a stall or a cut within the body is reported as one.
            await response.Content.LoadIntoBufferAsync(limit.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                Charge.Note(body);
                return response;
            }

            using (response)
            {
                throw endpoint.Refused(
                    response.StatusCode, body, EndpointFaults.RetryAfter(response, clock), response.Headers.Location);
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw endpoint.TimedOut(timeout, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw endpoint.Broken(e);
        }
    }
}
