using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Inference;
using Tensor = Inference.ModelInferRequest.Types.InferInputTensor;

namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>Requests as each interface has them, and whole answers out of what it answers.</summary>
internal static class Bodies
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    public static PredictRequest Message(IReadOnlyList<Row> rows, string model, bool explain = false) => new()
    {
        Model = model,
        Explain = explain,
        Inputs = { rows.Select(r => new PredictionInput { Text = r.Text, Choices = { r.Choices } }) },
    };

    public static ModelInferRequest Tensors(IReadOnlyList<Row> rows, string model, bool raw, bool explain = false)
    {
        var request = new ModelInferRequest { ModelName = model };
        if (explain) request.Parameters["explain"] = new InferParameter { BoolParam = true };
        foreach (var (name, shape, texts) in Inputs(rows))
        {
            var tensor = new Tensor { Name = name, Datatype = "BYTES", Shape = { shape } };
            if (raw) request.RawInputContents.Add(ByteString.CopyFrom(Pack(texts)));
            else tensor.Contents = new InferTensorContents { BytesContents = { texts.Select(ByteString.CopyFromUtf8) } };
            request.Inputs.Add(tensor);
        }

        return request;
    }

    public static byte[] Json(IReadOnlyList<Row> rows, bool explain = false)
    {
        object[] inputs = [.. rows.Select(r => r.Choices.Length == 0 ? (object)r.Text : new { text = r.Text, choices = r.Choices })];
        return JsonSerializer.SerializeToUtf8Bytes(new { inputs, explain });
    }

    public static byte[] Rest(IReadOnlyList<Row> rows, bool explain = false) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        parameters = new { explain },
        inputs = Inputs(rows).Select(t => new { name = t.Name, datatype = "BYTES", shape = t.Shape, data = t.Texts }),
    });

    /// <summary>JSON with the tensors behind it, both ways.</summary>
    public static (byte[] Body, int Head) Binary(IReadOnlyList<Row> rows, bool explain = false)
    {
        var tensors = Inputs(rows).Select(t => (t.Name, t.Shape, Bytes: Pack(t.Texts))).ToList();
        var head = JsonSerializer.SerializeToUtf8Bytes(new
        {
            parameters = new { binary_data_output = true, explain },
            inputs = tensors.Select(
                t => new { name = t.Name, datatype = "BYTES", shape = t.Shape, parameters = new { binary_data_size = t.Bytes.Length } }),
        });
        return ([.. head, .. tensors.SelectMany(t => t.Bytes)], head.Length);
    }

    /// <summary>A message as gRPC frames it: not compressed, its length, itself.</summary>
    public static byte[] Frame(IMessage message)
    {
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, message.CalculateSize());
        return [0, .. length, .. message.ToByteArray()];
    }

    public static WholeAnswer[] OfMessage(PredictResponse response) =>
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

    public static WholeAnswer[] OfTensors(ModelInferResponse response, int count, bool raw)
    {
        var outputs = response.Outputs.Select(
            (o, i) => (o.Name, Typed: o.Contents, Raw: raw ? response.RawOutputContents[i].ToByteArray() : null))
            .ToDictionary(o => o.Name);
        return Rows(
            count,
            raw ? Unpack(outputs["label"].Raw!) : [.. outputs["label"].Typed.BytesContents.Select(b => b.ToStringUtf8())],
            raw ? Floats(outputs["probability"].Raw!) : [.. outputs["probability"].Typed.Fp32Contents],
            raw ? Floats(outputs["probabilities"].Raw!) : [.. outputs["probabilities"].Typed.Fp32Contents],
            raw ? Flags(outputs["abstained"].Raw!) : [.. outputs["abstained"].Typed.BoolContents],
            raw ? Flags(outputs["truncated"].Raw!) : [.. outputs["truncated"].Typed.BoolContents],
            response.ModelVersion,
            !outputs.TryGetValue("rationale", out var rationale) ? null
                : raw ? Unpack(rationale.Raw!) : [.. rationale.Typed.BytesContents.Select(b => b.ToStringUtf8())]);
    }

    public static WholeAnswer[] OfJson(JsonElement answer) =>
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

    public static WholeAnswer[] OfRest(JsonElement answer, int count)
    {
        var outputs = answer.GetProperty("outputs").EnumerateArray()
            .ToDictionary(o => o.GetProperty("name").GetString()!, o => o.GetProperty("data").EnumerateArray());
        return Rows(
            count,
            [.. outputs["label"].Select(e => e.GetString()!)],
            [.. outputs["probability"].Select(e => e.GetSingle())],
            [.. outputs["probabilities"].Select(e => e.GetSingle())],
            [.. outputs["abstained"].Select(e => e.GetBoolean())],
            [.. outputs["truncated"].Select(e => e.GetBoolean())],
            answer.GetProperty("model_version").GetString()!,
            outputs.TryGetValue("rationale", out var rationale) ? [.. rationale.Select(e => e.GetString()!)] : null);
    }

    public static WholeAnswer[] OfBinary(byte[] body, int head, int count)
    {
        var answer = JsonSerializer.Deserialize<JsonElement>(body.AsSpan(0, head));
        var outputs = new Dictionary<string, byte[]>();
        var at = head;
        foreach (var output in answer.GetProperty("outputs").EnumerateArray())
        {
            var size = output.GetProperty("parameters").GetProperty("binary_data_size").GetInt32();
            outputs[output.GetProperty("name").GetString()!] = body[at..(at += size)];
        }

        Assert.Equal(body.Length, at);
        return Rows(
            count,
            Unpack(outputs["label"]),
            Floats(outputs["probability"]),
            Floats(outputs["probabilities"]),
            Flags(outputs["abstained"]),
            Flags(outputs["truncated"]),
            answer.GetProperty("model_version").GetString()!,
            outputs.TryGetValue("rationale", out var rationale) ? Unpack(rationale) : null);
    }

    private static IEnumerable<(string Name, long[] Shape, string[] Texts)> Inputs(IReadOnlyList<Row> rows)
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
}
