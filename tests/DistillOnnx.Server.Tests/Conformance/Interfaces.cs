using System.Buffers.Binary;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Inference;
using Tensor = Inference.ModelInferRequest.Types.InferInputTensor;

namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>Every way to ask for labels. A row that is refused is an <see cref="RpcException"/> with INVALID_ARGUMENT in each.</summary>
internal static class Interfaces
{
    private const string HeaderLength = "Inference-Header-Content-Length";

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
        Answers(await new PredictionService.PredictionServiceClient(channel).PredictAsync(Request(bundle, rows), deadline: Soon()));

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
            answers[int.Parse(answer.Id, System.Globalization.CultureInfo.InvariantCulture)] = Assert.Single(Answers(answer.Response));
        }

        return answers;
    }

    private static async Task<WholeAnswer[]> JsonAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        object[] inputs = [.. rows.Select(r => r.Choices.Length == 0 ? (object)r.Text : new { text = r.Text, choices = r.Choices })];
        using var response = await bundle.Http.PostAsJsonAsync(
            $"/v1/models/{ServedBundle.Name}:predict", new { inputs, explain = bundle.Explain });
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (!response.IsSuccessStatusCode)
            throw new RpcException(
                new Status((StatusCode)answer.GetProperty("code").GetInt32(), answer.GetProperty("message").GetString()!));
        return
        [
            .. answer.GetProperty("predictions").EnumerateArray().Select(p => new WholeAnswer(
                p.GetProperty("label").GetString()!,
                (float)p.GetProperty("probability").GetDouble(),
                [.. p.GetProperty("probabilities").EnumerateArray().Select(v => (float)v.GetDouble())],
                p.GetProperty("abstained").GetBoolean(),
                p.GetProperty("truncated").GetBoolean(),
                answer.GetProperty("version").GetString()!,
                p.TryGetProperty("rationale", out var rationale) ? rationale.GetString() : null)),
        ];
    }

    private static async Task<WholeAnswer[]> InferAsync(ServedBundle bundle, IReadOnlyList<Row> rows, bool raw)
    {
        var request = new ModelInferRequest { ModelName = ServedBundle.Name };
        if (bundle.Explain) request.Parameters["explain"] = new InferParameter { BoolParam = true };
        foreach (var (name, shape, texts) in Tensors(rows))
        {
            var tensor = new Tensor { Name = name, Datatype = "BYTES", Shape = { shape } };
            if (raw) request.RawInputContents.Add(ByteString.CopyFrom(Pack(texts)));
            else tensor.Contents = new InferTensorContents { BytesContents = { texts.Select(ByteString.CopyFromUtf8) } };
            request.Inputs.Add(tensor);
        }

        var response = await new GRPCInferenceService.GRPCInferenceServiceClient(bundle.Channel).ModelInferAsync(request, deadline: Soon());
        var outputs = response.Outputs.Select(
            (o, i) => (o.Name, Typed: o.Contents, Raw: raw ? response.RawOutputContents[i].ToByteArray() : null))
            .ToDictionary(o => o.Name);
        return Rows(
            rows.Count,
            raw ? Unpack(outputs["label"].Raw!) : [.. outputs["label"].Typed.BytesContents.Select(b => b.ToStringUtf8())],
            raw ? Floats(outputs["probability"].Raw!) : [.. outputs["probability"].Typed.Fp32Contents],
            raw ? Floats(outputs["probabilities"].Raw!) : [.. outputs["probabilities"].Typed.Fp32Contents],
            raw ? Flags(outputs["abstained"].Raw!) : [.. outputs["abstained"].Typed.BoolContents],
            raw ? Flags(outputs["truncated"].Raw!) : [.. outputs["truncated"].Typed.BoolContents],
            response.ModelVersion,
            !outputs.TryGetValue("rationale", out var rationale) ? null
                : raw ? Unpack(rationale.Raw!) : [.. rationale.Typed.BytesContents.Select(b => b.ToStringUtf8())]);
    }

    private static async Task<WholeAnswer[]> RestAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        var inputs = Tensors(rows).Select(t => new { name = t.Name, datatype = "BYTES", shape = t.Shape, data = t.Texts });
        using var response = await bundle.Http.PostAsJsonAsync(
            $"/v2/models/{ServedBundle.Name}/infer", new { parameters = new { explain = bundle.Explain }, inputs });
        var answer = await CheckAsync(response);
        var outputs = answer.GetProperty("outputs").EnumerateArray()
            .ToDictionary(o => o.GetProperty("name").GetString()!, o => o.GetProperty("data").EnumerateArray());
        return Rows(
            rows.Count,
            [.. outputs["label"].Select(e => e.GetString()!)],
            [.. outputs["probability"].Select(e => e.GetSingle())],
            [.. outputs["probabilities"].Select(e => e.GetSingle())],
            [.. outputs["abstained"].Select(e => e.GetBoolean())],
            [.. outputs["truncated"].Select(e => e.GetBoolean())],
            answer.GetProperty("model_version").GetString()!,
            outputs.TryGetValue("rationale", out var rationale) ? [.. rationale.Select(e => e.GetString()!)] : null);
    }

    private static async Task<WholeAnswer[]> BinaryAsync(ServedBundle bundle, IReadOnlyList<Row> rows)
    {
        var tensors = Tensors(rows).Select(t => (t.Name, t.Shape, Bytes: Pack(t.Texts))).ToList();
        var head = JsonSerializer.SerializeToUtf8Bytes(new
        {
            parameters = new { binary_data_output = true, explain = bundle.Explain },
            inputs = tensors.Select(
                t => new { name = t.Name, datatype = "BYTES", shape = t.Shape, parameters = new { binary_data_size = t.Bytes.Length } }),
        });
        using var content = new ByteArrayContent([.. head, .. tensors.SelectMany(t => t.Bytes)]);
        content.Headers.Add(HeaderLength, $"{head.Length}");
        using var response = await bundle.Http.PostAsync($"/v2/models/{ServedBundle.Name}/infer", content);
        if (!response.IsSuccessStatusCode) await CheckAsync(response);
        var body = await response.Content.ReadAsByteArrayAsync();
        var at = int.Parse(response.Headers.GetValues(HeaderLength).Single(), System.Globalization.CultureInfo.InvariantCulture);
        var answer = JsonSerializer.Deserialize<JsonElement>(body.AsSpan(0, at));
        var outputs = new Dictionary<string, byte[]>();
        foreach (var output in answer.GetProperty("outputs").EnumerateArray())
        {
            var size = output.GetProperty("parameters").GetProperty("binary_data_size").GetInt32();
            outputs[output.GetProperty("name").GetString()!] = body[at..(at += size)];
        }

        Assert.Equal(body.Length, at);
        return Rows(
            rows.Count,
            Unpack(outputs["label"]),
            Floats(outputs["probability"]),
            Floats(outputs["probabilities"]),
            Flags(outputs["abstained"]),
            Flags(outputs["truncated"]),
            answer.GetProperty("model_version").GetString()!,
            outputs.TryGetValue("rationale", out var rationale) ? Unpack(rationale) : null);
    }

    private static async Task<JsonElement> CheckAsync(HttpResponseMessage response)
    {
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (response.IsSuccessStatusCode) return answer;
        var code = response.StatusCode == System.Net.HttpStatusCode.BadRequest ? StatusCode.InvalidArgument : StatusCode.Unknown;
        throw new RpcException(new Status(code, answer.GetProperty("error").GetString()!));
    }

    private static PredictRequest Request(ServedBundle bundle, IReadOnlyList<Row> rows) => new()
    {
        Model = ServedBundle.Name,
        Explain = bundle.Explain,
        Inputs = { rows.Select(r => new PredictionInput { Text = r.Text, Choices = { r.Choices } }) },
    };

    private static WholeAnswer[] Answers(PredictResponse response) =>
    [
        .. response.Predictions.Select(p => new WholeAnswer(
            p.Label,
            (float)p.Probability,
            [.. p.Probabilities.Select(v => (float)v)],
            p.Abstained,
            p.Truncated,
            response.Version,
            p.HasRationale ? p.Rationale : null)),
    ];

    private static IEnumerable<(string Name, long[] Shape, string[] Texts)> Tensors(IReadOnlyList<Row> rows)
    {
        yield return ("text", [rows.Count], [.. rows.Select(r => r.Text)]);
        if (rows[0].Choices.Length > 0)
            yield return ("choices", [rows.Count, rows[0].Choices.Length], [.. rows.SelectMany(r => r.Choices)]);
    }

    private static WholeAnswer[] Rows(
        int count,
        string[] labels,
        float[] probability,
        float[] probabilities,
        bool[] abstained,
        bool[] truncated,
        string version,
        string[]? rationales)
    {
        var each = probabilities.Length / count;
        return [.. Enumerable.Range(0, count).Select(i => new WholeAnswer(
            labels[i], probability[i], probabilities[(i * each)..((i + 1) * each)], abstained[i], truncated[i], version, rationales?[i]))];
    }

    private static byte[] Pack(IEnumerable<string> texts)
    {
        using var stream = new MemoryStream();
        var length = new byte[sizeof(int)];
        foreach (var bytes in texts.Select(Encoding.UTF8.GetBytes))
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            stream.Write(length);
            stream.Write(bytes);
        }

        return stream.ToArray();
    }

    private static string[] Unpack(ReadOnlySpan<byte> bytes)
    {
        var texts = new List<string>();
        while (bytes.Length > 0)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            texts.Add(Encoding.UTF8.GetString(bytes.Slice(sizeof(int), length)));
            bytes = bytes[(sizeof(int) + length)..];
        }

        return [.. texts];
    }

    private static float[] Floats(byte[] bytes) => MemoryMarshal.Cast<byte, float>(bytes).ToArray();

    private static bool[] Flags(byte[] bytes) => Array.ConvertAll(bytes, b => b != 0);

    private static DateTime Soon() => DateTime.UtcNow + TestServer.Patience;
}
