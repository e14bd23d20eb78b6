using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;
using Grpc.Net.Client;
using Inference;

namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>Every way to ask for labels. A row that is refused is an <see cref="RpcException"/> with INVALID_ARGUMENT in each.</summary>
internal static class Interfaces
{
    public static readonly IReadOnlyDictionary<string, Func<ServedBundle, IReadOnlyList<Row>, Task<WholeAnswer[]>>> All =
        new Dictionary<string, Func<ServedBundle, IReadOnlyList<Row>, Task<WholeAnswer[]>>>
        {
            ["in process"] = InProcessAsync,
            ["gRPC"] = (bundle, rows) => PredictAsync(bundle, bundle.Channel, rows),
            ["gRPC-Web"] = (bundle, rows) => PredictAsync(bundle, bundle.Web, rows),
            ["gRPC stream"] = StreamAsync,
            ["JSON"] = JsonAsync,
            ["KServe gRPC, typed"] = (bundle, rows) => InferAsync(bundle, rows, raw: false),
            ["KServe gRPC, raw"] = (bundle, rows) => InferAsync(bundle, rows, raw: true),
            ["KServe REST, JSON"] = RestAsync,
            ["KServe REST, binary"] = BinaryAsync,
        };

    private static async Task<WholeAnswer[]> InProcessAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        try
        {
            return await bundle.InProcess(rows);
        }
        catch (Core.InputException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, e.Message));
        }
    }

    private static async Task<WholeAnswer[]> PredictAsync(ServedBundle bundle, GrpcChannel channel, IReadOnlyList<Row> rows) =>
        Bodies.OfMessage(
            await new PredictionService.PredictionServiceClient(channel).PredictAsync(Request(bundle, rows), deadline: Soon()));

    private static async Task<WholeAnswer[]> StreamAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        using var call = new PredictionService.PredictionServiceClient(bundle.Channel).PredictStream(deadline: Soon());
        for (var i = 0; i < rows.Count; i++)
            await call.RequestStream.WriteAsync(new PredictStreamRequest { Id = $"{i}", Request = Request(bundle, [rows[i]]) });
        await call.RequestStream.CompleteAsync();
        var answers = new WholeAnswer[rows.Count];
        await foreach (var answer in call.ResponseStream.ReadAllAsync())
        {
            if (answer.Error is { } error) throw new RpcException(new Status((StatusCode)error.Code, error.Message));
            answers[int.Parse(answer.Id, CultureInfo.InvariantCulture)] = Assert.Single(Bodies.OfMessage(answer.Response));
        }

        return answers;
    }

    private static async Task<WholeAnswer[]> JsonAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        using var response = await PostAsync(bundle, $"/v1/models/{ServedBundle.Name}:predict", Bodies.Json(rows, bundle.Explain));
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (!response.IsSuccessStatusCode)
            throw new RpcException(
                new Status((StatusCode)answer.GetProperty("code").GetInt32(), answer.GetProperty("message").GetString()!));
        return Bodies.OfJson(answer);
    }

    private static async Task<WholeAnswer[]> InferAsync(ServedBundle bundle, IReadOnlyList<Row> rows, bool raw)
    {
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(bundle.Channel);
        var request = Bodies.Tensors(rows, ServedBundle.Name, raw, bundle.Explain);
        return Bodies.OfTensors(await client.ModelInferAsync(request, deadline: Soon()), rows.Count, raw);
    }

    private static async Task<WholeAnswer[]> RestAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        using var response = await PostAsync(bundle, $"/v2/models/{ServedBundle.Name}/infer", Bodies.Rest(rows, bundle.Explain));
        return Bodies.OfRest(await CheckAsync(response), rows.Count);
    }

    private static async Task<WholeAnswer[]> BinaryAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        var (sent, head) = Bodies.Binary(rows, bundle.Explain);
        using var response = await PostAsync(bundle, $"/v2/models/{ServedBundle.Name}/infer", sent, head);
        if (!response.IsSuccessStatusCode) await CheckAsync(response);
        var body = await response.Content.ReadAsByteArrayAsync();
        return Bodies.OfBinary(
            body, int.Parse(response.Headers.GetValues(Bodies.HeaderLength).Single(), CultureInfo.InvariantCulture), rows.Count);
    }

    private static async Task<HttpResponseMessage> PostAsync(ServedBundle bundle, string path, byte[] body, int? head = null)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (head is { } length) content.Headers.Add(Bodies.HeaderLength, $"{length}");
        return await bundle.Http.PostAsync(path, content);
    }

    private static async Task<JsonElement> CheckAsync(HttpResponseMessage response)
    {
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (response.IsSuccessStatusCode) return answer;
        var code = response.StatusCode == System.Net.HttpStatusCode.BadRequest ? StatusCode.InvalidArgument : StatusCode.Unknown;
        throw new RpcException(new Status(code, answer.GetProperty("error").GetString()!));
    }

    private static PredictRequest Request(ServedBundle bundle, IReadOnlyList<Row> rows) =>
        Bodies.Message(rows, ServedBundle.Name, bundle.Explain);

    private static DateTime Soon() => DateTime.UtcNow + TestServer.Patience;
}
