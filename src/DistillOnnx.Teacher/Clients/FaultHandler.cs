namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Below a provider's package: reports faults by <see cref="TeacherException"/>, so that each provider's are sorted alike, and the package
/// neither repeats nor rephrases them.
/// </summary>
/// <param name="url">Names the endpoint in messages.</param>
/// <param name="key">Is taken out of messages; null: there is none.</param>
/// <param name="advice">What to do about a key that is not accepted.</param>
/// <param name="timeout">The longest that an answer may take.</param>
/// <param name="clock">Reads dates in Retry-After.</param>
internal sealed class FaultHandler(
    Uri url,
    string? key,
    string advice,
    TimeSpan timeout,
    TimeProvider clock) : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15) })
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
            if (key is not null) request.Headers.TryAddWithoutValidation(KeyHeader, key);
        }

        try
        {
            var response = await base.SendAsync(request, limit.Token).ConfigureAwait(false);
            // Read here, so that a stall or a cut within the body is reported as one.
            await response.Content.LoadIntoBufferAsync(limit.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return response;
            using (response)
            {
                var (message, code) = EndpointFaults.Read(
                    await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false), key);
                var help = (int)response.StatusCode switch { 401 or 403 => advice, 404 => "; expected the model there", _ => "" };
                throw EndpointFaults.Of(url, response.StatusCode, message, code, help, EndpointFaults.RetryAfter(response, clock));
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TeacherException(TeacherFault.Transient, $"{url}: no answer within {timeout.TotalSeconds:0.###} s", inner: e);
        }
        catch (HttpRequestException e)
        {
            var unreachable = e.HttpRequestError is HttpRequestError.NameResolutionError
                or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError;
            throw new TeacherException(
                unreachable ? TeacherFault.Unreachable : TeacherFault.Transient,
                $"{url}: {(unreachable ? "cannot be reached" : "the answer was cut")}: {e.Message}",
                inner: e);
        }
        catch (IOException e)
        {
            throw new TeacherException(TeacherFault.Transient, $"{url}: the answer was cut: {e.Message}", inner: e);
        }
    }
}
