using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using DistillOnnx.Server.Tests.Conformance;
using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Inference;

namespace DistillOnnx.Server.Tests.Chaos;

/// <summary>A client of each interface, with deadlines and cancellation. Whatever fails is an <see cref="RpcException"/>.</summary>
internal sealed class MixedClients : IDisposable
{
    private const string Model = "nli";

    private readonly GrpcChannel _channel;
    private readonly GrpcChannel _web;
    private readonly HttpClient _http;

    public MixedClients(string address)
    {
        _channel = GrpcChannel.ForAddress(address);
        _web = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new GrpcWebHandler(GrpcWebMode.GrpcWeb, new HttpClientHandler()),
            HttpVersion = HttpVersion.Version11,
        });
        _http = new HttpClient { BaseAddress = new Uri(address), Timeout = 2 * TestServer.Patience };
    }

    public static IReadOnlyList<string> Kinds { get; } =
        ["gRPC", "gRPC-Web", "stream", "JSON", "KServe gRPC, typed", "KServe gRPC, raw", "KServe REST", "KServe REST, binary"];

    public async Task<WholeAnswer[]> AskAsync(string kind, IReadOnlyList<Row> rows, TimeSpan deadline, CancellationToken token)
    {
        var until = DateTime.UtcNow + deadline;
        PredictionService.PredictionServiceClient Own(GrpcChannel channel) => new(channel);
        GRPCInferenceService.GRPCInferenceServiceClient Kserve() => new(_channel);
        switch (kind)
        {
            case "gRPC":
                return Bodies.OfMessage(await Own(_channel).PredictAsync(Bodies.Message(rows, Model), null, until, token));
            case "gRPC-Web":
                return Bodies.OfMessage(await Own(_web).PredictAsync(Bodies.Message(rows, Model), null, until, token));
            case "stream":
                return await StreamAsync(Own(_channel), rows, until, token);
            case "KServe gRPC, typed" or "KServe gRPC, raw":
                var raw = kind == "KServe gRPC, raw";
                return Bodies.OfTensors(
                    await Kserve().ModelInferAsync(Bodies.Tensors(rows, Model, raw), null, until, token), rows.Count, raw);
            case "JSON":
                return Bodies.OfJson(
                    Parse((await PostAsync($"/v1/models/{Model}:predict", Bodies.Json(rows), null, deadline, token)).Body));
            case "KServe REST":
                return Bodies.OfRest(
                    Parse((await PostAsync($"/v2/models/{Model}/infer", Bodies.Rest(rows), null, deadline, token)).Body), rows.Count);
            default:
                var (sent, head) = Bodies.Binary(rows);
                var (body, length) = await PostAsync($"/v2/models/{Model}/infer", sent, head, deadline, token);
                return Bodies.OfBinary(body, length, rows.Count);
        }
    }

    public void Dispose()
    {
        _channel.Dispose();
        _web.Dispose();
        _http.Dispose();
    }

    private static async Task<WholeAnswer[]> StreamAsync(
        PredictionService.PredictionServiceClient client, IReadOnlyList<Row> rows, DateTime until, CancellationToken token)
    {
        using var call = client.PredictStream(null, until, token);
        var answers = new WholeAnswer[rows.Count];
        try
        {
            for (var i = 0; i < rows.Count; i++)
            {
                await call.RequestStream.WriteAsync(
                    new PredictStreamRequest { Id = $"{i}", Request = Bodies.Message([rows[i]], Model) }, token);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is InvalidOperationException or RpcException or OperationCanceledException or IOException)
        {
            // The call has ended; why, its answers say.
        }

        await foreach (var answer in call.ResponseStream.ReadAllAsync(token))
        {
            if (answer.Error is { } error) throw new RpcException(new Status((StatusCode)error.Code, error.Message));
            answers[int.Parse(answer.Id, CultureInfo.InvariantCulture)] = Assert.Single(Bodies.OfMessage(answer.Response));
        }

        return answers;
    }

    private async Task<(byte[] Body, int Head)> PostAsync(
        string path, byte[] body, int? head, TimeSpan deadline, CancellationToken token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (head is { } length) request.Content.Headers.Add(Bodies.HeaderLength, $"{length}");
        request.Headers.Add("grpc-timeout", $"{(int)deadline.TotalMilliseconds}m");
        using var response = await _http.SendAsync(request, token);
        var answer = await response.Content.ReadAsByteArrayAsync(token);
        if (!response.IsSuccessStatusCode)
        {
            var code = response.StatusCode switch
            {
                HttpStatusCode.GatewayTimeout => StatusCode.DeadlineExceeded,
                HttpStatusCode.TooManyRequests => StatusCode.ResourceExhausted,
                _ => StatusCode.Unknown,
            };
            throw new RpcException(new Status(code, $"{(int)response.StatusCode} {System.Text.Encoding.UTF8.GetString(answer)}"));
        }

        var found = response.Headers.TryGetValues(Bodies.HeaderLength, out var said) ? said.Single() : "0";
        return (answer, int.Parse(found, CultureInfo.InvariantCulture));
    }

    private static JsonElement Parse(byte[] body) => JsonSerializer.Deserialize<JsonElement>(body);
}
