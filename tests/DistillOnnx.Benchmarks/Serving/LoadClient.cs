using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using DistillOnnx.V1;
using Google.Protobuf;
using Grpc.Core;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>
/// A generator of load that takes as little as it can of the machine that it shares with the server: gRPC's frames over one
/// HTTP/2 connection, requests made beforehand, no exception for a refusal.
/// </summary>
internal sealed class LoadClient : IDisposable
{
    private static readonly MediaTypeHeaderValue Grpc = new("application/grpc");
    private static readonly Uri Method = new("/distillonnx.v1.PredictionService/Predict", UriKind.Relative);

    private readonly HttpClient _http;
    private readonly TimeSpan _deadline;
    private readonly string _timeout;

    /// <param name="address">The server.</param>
    /// <param name="deadline">How long a caller waits.</param>
    public LoadClient(string address, TimeSpan deadline)
    {
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null })
        {
            BaseAddress = new Uri(address),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _deadline = deadline;
        _timeout = string.Create(CultureInfo.InvariantCulture, $"{(long)deadline.TotalMilliseconds}m");
    }

    /// <summary>A request as it goes over the wire.</summary>
    public static byte[] Frame(string text)
    {
        var message = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = text } } }.ToByteArray();
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>Makes a call.</summary>
    public async Task<StatusCode> PredictAsync(byte[] frame, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Method) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent(frame) { Headers = { ContentType = Grpc } };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("grpc-timeout", _timeout);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_deadline);
        try
        {
            using var response = await _http.SendAsync(request, patience.Token);
            return Status(response.TrailingHeaders) ?? Status(response.Headers) ?? StatusCode.Unknown;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return StatusCode.DeadlineExceeded;
        }
        catch (HttpRequestException)
        {
            return StatusCode.Unavailable;
        }
    }

    public void Dispose() => _http.Dispose();

    // A call that was refused has nothing but headers.
    private static StatusCode? Status(HttpResponseHeaders headers) =>
        headers.NonValidated.TryGetValues("grpc-status", out var values) ? (StatusCode)int.Parse(values.ToString(), CultureInfo.InvariantCulture) : null;
}
