using System.Globalization;
using System.Text.Json;
using DistillOnnx.Server.Services;
using Google.Protobuf;
using Inference;
using static Inference.ModelInferResponse.Types;
using static Inference.ModelMetadataResponse.Types;

namespace DistillOnnx.Server.Rest;

/// <summary>Writes the Open Inference Protocol's answers in their REST form.</summary>
internal static class InferenceResponseWriter
{
    /// <summary>Writes an answer: tensors that were asked for in binary form follow the JSON.</summary>
    public static async Task WriteAsync(
        HttpResponse response, ModelInferResponse answer, Func<string, bool> isBinary, CancellationToken cancellationToken)
    {
        var tensors = new List<ByteString>();
        using var head = new MemoryStream();
        await using (var json = new Utf8JsonWriter(head)) Write(json, answer, isBinary, tensors);
        response.ContentType = "application/json";
        if (tensors.Count > 0)
        {
            response.ContentType = "application/octet-stream";
            response.Headers[InferenceRequestReader.HeaderLength] = head.Length.ToString(CultureInfo.InvariantCulture);
        }

        response.ContentLength = head.Length + tensors.Sum(t => (long)t.Length);
        await response.Body.WriteAsync(head.GetBuffer().AsMemory(0, (int)head.Length), cancellationToken);
        foreach (var tensor in tensors) await response.Body.WriteAsync(tensor.Memory, cancellationToken);
    }

    /// <summary>A model's metadata.</summary>
    public static object Metadata(ModelMetadataResponse model) => new
    {
        name = model.Name,
        versions = model.Versions,
        platform = model.Platform,
        inputs = model.Inputs.Select(Metadata),
        outputs = model.Outputs.Select(Metadata),
    };

    private static object Metadata(TensorMetadata tensor) => new { name = tensor.Name, datatype = tensor.Datatype, shape = tensor.Shape };

    private static void Write(Utf8JsonWriter json, ModelInferResponse answer, Func<string, bool> isBinary, List<ByteString> tensors)
    {
        json.WriteStartObject();
        json.WriteString("model_name", answer.ModelName);
        json.WriteString("model_version", answer.ModelVersion);
        if (answer.Id.Length > 0) json.WriteString("id", answer.Id);
        json.WriteStartArray("outputs");
        foreach (var output in answer.Outputs)
        {
            json.WriteStartObject();
            json.WriteString("name", output.Name);
            json.WriteString("datatype", output.Datatype);
            json.WriteStartArray("shape");
            foreach (var size in output.Shape) json.WriteNumberValue(size);
            json.WriteEndArray();
            if (isBinary(output.Name)) WriteSize(json, Pack(output.Contents), tensors);
            else WriteData(json, output);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSize(Utf8JsonWriter json, ByteString tensor, List<ByteString> tensors)
    {
        tensors.Add(tensor);
        json.WriteStartObject("parameters");
        json.WriteNumber("binary_data_size", tensor.Length);
        json.WriteEndObject();
    }

    private static void WriteData(Utf8JsonWriter json, InferOutputTensor output)
    {
        json.WriteStartArray("data");
        foreach (var text in output.Contents.BytesContents) json.WriteStringValue(text.Span);
        foreach (var number in output.Contents.Fp32Contents) json.WriteNumberValue(number);
        foreach (var flag in output.Contents.BoolContents) json.WriteBooleanValue(flag);
        json.WriteEndArray();
    }

    private static ByteString Pack(InferTensorContents contents) =>
        contents.BytesContents.Count > 0 ? TensorBytes.Pack(contents.BytesContents)
        : contents.BoolContents.Count > 0 ? TensorBytes.Pack([.. contents.BoolContents])
        : TensorBytes.Pack([.. contents.Fp32Contents]);
}
