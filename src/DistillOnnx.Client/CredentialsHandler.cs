using System.Net.Http.Headers;

namespace DistillOnnx.Client;

/// <summary>
/// Puts what proves the caller on every request. gRPC's own call credentials do so too, but only over TLS; behind a mesh's
/// proxy a token travels in cleartext over loopback.
/// </summary>
internal sealed class CredentialsHandler(PredictionClientOptions options) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (options.ApiKey is { } key) request.Headers.TryAddWithoutValidation("x-api-key", key);
        if (options.BearerToken is { } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token(cancellationToken).ConfigureAwait(false));
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }
}
