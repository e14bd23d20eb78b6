using System.Globalization;
using System.Text.Json;
using DistillOnnx.Server.Services;
using Google.Protobuf;
using Inference;
using static DistillOnnx.Server.Rest.JsonFields;
using static Inference.ModelInferRequest.Types;

namespace DistillOnnx.Server.Rest;

/// <summary>
/// Reads an inference request of the Open Inference Protocol's REST form: JSON alone, or JSON with the tensors that it says
/// so of behind it (the binary tensor extension). What is not known is refused by its name.
/// </summary>
internal sealed class InferenceRequestReader
{
    /// <summary>The header that says how long the JSON before binary tensors is.</summary>
    public const string HeaderLength = "Inference-Header-Content-Length";

    private const string BinarySize = "binary_data_size";

    private readonly Dictionary<string, bool> _binary = new(StringComparer.Ordinal);
    private ReadOnlyMemory<byte> _tensors;
    private readonly int _behind;
    private readonly bool _hasHeader;
    private bool _binaryByDefault;

    private InferenceRequestReader(ReadOnlyMemory<byte> tensors, bool hasHeader)
    {
        _tensors = tensors;
        _behind = tensors.Length;
        _hasHeader = hasHeader;
    }

    /// <summary>The request.</summary>
    public ModelInferRequest Request { get; } = new();

    /// <summary>Whether an output is wanted in binary form.</summary>
    public bool IsBinary(string output) => _binary.GetValueOrDefault(output, _binaryByDefault);

    /// <summary>Reads a request.</summary>
    /// <param name="body">The body.</param>
    /// <param name="headerLength">What the header says of the JSON's length; empty: there is no header, and all is JSON.</param>
    /// <exception cref="Grpc.Core.RpcException">The request is at fault; the message names the field.</exception>
    public static InferenceRequestReader Read(ReadOnlyMemory<byte> body, string headerLength)
    {
        var length = body.Length;
        if (headerLength.Length > 0
            && (!int.TryParse(headerLength, NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > body.Length))
            throw Faults.Invalid(HeaderLength, $"expected a length within the body of {body.Length} bytes, found \"{headerLength}\"");
        var reader = new InferenceRequestReader(body[length..], headerLength.Length > 0);
        Parse(body[..length], reader.ReadRequest);
        if (reader._tensors.Length > 0)
            throw Faults.Invalid(
                "body",
                $"expected {reader._behind - reader._tensors.Length} bytes behind the JSON, as the {BinarySize} of the inputs say, "
                + $"found {reader._behind}");
        return reader;
    }

    private void ReadRequest(JsonElement root)
    {
        foreach (var property in Expect(root, JsonValueKind.Object, "body").EnumerateObject())
        {
            switch (property.Name)
            {
                case "id": Request.Id = Text(property.Value, "id"); break;
                case "parameters": ReadParameters(property.Value); break;
                case "inputs": ForEach(property.Value, "inputs", ReadInput); break;
                case "outputs": ForEach(property.Value, "outputs", ReadOutput); break;
                default: throw Unknown(property.Name, "id, parameters, inputs or outputs");
            }
        }
    }

    private void ReadParameters(JsonElement json)
    {
        const string binary = "binary_data_output", explain = "explain";
        foreach (var property in Expect(json, JsonValueKind.Object, "parameters").EnumerateObject())
        {
            var path = $"parameters.{property.Name}";
            switch (property.Name)
            {
                case binary: _binaryByDefault = Flag(property.Value, path); break;
                case explain: Request.Parameters[explain] = new InferParameter { BoolParam = Flag(property.Value, path) }; break;
                default: throw Unknown(path, $"{binary} or {explain}");
            }
        }
    }

    private void ReadInput(JsonElement json, string field)
    {
        var tensor = new InferInputTensor { Contents = new InferTensorContents() };
        JsonElement? data = null;
        int? size = null;
        foreach (var property in Expect(json, JsonValueKind.Object, field).EnumerateObject())
        {
            var path = $"{field}.{property.Name}";
            switch (property.Name)
            {
                case "name": tensor.Name = Text(property.Value, path); break;
                case "datatype": tensor.Datatype = Text(property.Value, path); break;
                case "shape": ForEach(property.Value, path, (v, p) => tensor.Shape.Add(Integer(v, p))); break;
                case "data": data = property.Value; break;
                case "parameters": size = Size(property.Value, path); break;
                default: throw Unknown(path, "name, shape, datatype, parameters or data");
            }
        }

        if (data is not null && size is not null) throw Faults.Invalid($"{field}.data", $"expected none beside {BinarySize}");
        if (data is null && size is null) throw Faults.Invalid($"{field}.data", "expected the tensor's elements, found none");
        if (size is { } bytes)
        {
            var path = $"{field}.parameters.{BinarySize}";
            if (bytes > _tensors.Length)
                throw Faults.Invalid(
                    path,
                    $"expected {bytes} bytes behind the JSON, found {_tensors.Length}"
                    + (_hasHeader ? "" : $"; the header {HeaderLength}, which says where the JSON ends, is missing"));
            foreach (var element in TensorBytes.Unpack(_tensors[..bytes], path))
                tensor.Contents.BytesContents.Add(ByteString.CopyFrom(element.Span));
            _tensors = _tensors[bytes..];
        }
        else
        {
            ReadData(data!.Value, $"{field}.data", tensor);
        }

        Request.Inputs.Add(tensor);
    }

    /// <summary>Elements in one array, or in arrays of arrays as the shape has them.</summary>
    private static void ReadData(JsonElement data, string field, InferInputTensor tensor)
    {
        var isNested = Expect(data, JsonValueKind.Array, field).EnumerateArray().Any(e => e.ValueKind == JsonValueKind.Array);
        Read(data, field, isNested ? 0 : tensor.Shape.Count - 1);

        void Read(JsonElement part, string place, int axis)
        {
            if (isNested && axis < tensor.Shape.Count && part.GetArrayLength() != tensor.Shape[axis])
                throw Faults.Invalid(
                    place,
                    $"expected {tensor.Shape[axis]} elements as the shape {TensorBytes.Describe(tensor.Shape)} has, "
                    + $"found {part.GetArrayLength()}");
            ForEach(part, place, (element, path) =>
            {
                if (axis < tensor.Shape.Count - 1) Read(Expect(element, JsonValueKind.Array, path), path, axis + 1);
                else tensor.Contents.BytesContents.Add(ByteString.CopyFromUtf8(Text(element, path)));
            });
        }
    }

    private void ReadOutput(JsonElement json, string field)
    {
        var output = new InferRequestedOutputTensor();
        bool? binary = null;
        foreach (var property in Expect(json, JsonValueKind.Object, field).EnumerateObject())
        {
            var path = $"{field}.{property.Name}";
            switch (property.Name)
            {
                case "name": output.Name = Text(property.Value, path); break;
                case "parameters": binary = Parameter(property.Value, path, "binary_data"); break;
                default: throw Unknown(path, "name or parameters");
            }
        }

        if (binary is { } b) _binary[output.Name] = b;
        Request.Outputs.Add(output);
    }

    private static int? Size(JsonElement json, string field)
    {
        int? size = null;
        foreach (var property in Expect(json, JsonValueKind.Object, field).EnumerateObject())
        {
            var path = $"{field}.{property.Name}";
            if (property.Name == "content_type" && Text(property.Value, path) is "str") continue;
            if (property.Name != BinarySize) throw Unknown(path, $"{BinarySize}, or content_type \"str\"");
            size = property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt32(out var found) && found >= 0
                ? found
                : throw Faults.Invalid(path, "expected a number of bytes");
        }

        return size;
    }

    private static bool? Parameter(JsonElement json, string field, string name)
    {
        bool? flag = null;
        foreach (var property in Expect(json, JsonValueKind.Object, field).EnumerateObject())
        {
            if (property.Name != name) throw Unknown($"{field}.{property.Name}", name);
            flag = Flag(property.Value, $"{field}.{name}");
        }

        return flag;
    }
}
