using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Export.Onnx.Proto;
using Google.Protobuf;

namespace DistillOnnx.Export.Onnx;

/// <summary>
/// Writes a model file as a stream: everything but the constants is serialised as usual, and each constant's values go from
/// their source to the file. A protobuf message ends at 2 GB; beyond that the values stand in one file beside the model.
/// </summary>
internal static class OnnxWriter
{
    // What ONNX 1.12 and everything since reads; and what came with the later operator set.
    private const int IrVersion = 8;
    private const int AttentionIrVersion = 11;

    /// <summary>The operator set of ONNX's own domain, where a graph asks for no later one.</summary>
    public const int Opset = 17;

    /// <summary>The operator set that brought <c>Attention</c>.</summary>
    public const int AttentionOpset = 23;

    /// <summary>Model size in bytes above which values go to a file of their own; a little below protobuf's own limit.</summary>
    public const long DefaultExternalThreshold = 2_000_000_000;

    // Readers map external values: they begin on a page, where they are larger than one.
    private const int Page = 4096;
    private const int ModelGraphField = 7;
    private const int GraphInitializerField = 5;
    private const int TensorRawDataField = 9;

    /// <summary>Writes a model.</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="builder">The graph.</param>
    /// <param name="metadata">Notes for the file, written in ordinal order.</param>
    /// <param name="externalThreshold">Bytes of constants above which they go to <c>path_data</c>.</param>
    /// <returns>The names of the files written, the model first.</returns>
    /// <exception cref="InputException">A file cannot be written.</exception>
    public static IReadOnlyList<string> Write(
        string path, GraphBuilder builder, IReadOnlyDictionary<string, string> metadata, long externalThreshold = DefaultExternalThreshold)
    {
        var external = builder.Constants.Values.Sum(c => c.ByteCount) > externalThreshold;
        var dataPath = path + "_data";
        var heads = new List<(TensorProto Head, TensorData Data)>();
        var offset = 0L;
        foreach (var (name, data) in builder.Constants)
        {
            var head = new TensorProto { Name = name, DataType = (int)data.Type };
            head.Dims.AddRange(data.Dims);
            // Shapes and axes must stay within the model: inference reads them.
            if (external && data.ByteCount >= 1024)
            {
                offset = (offset + Page - 1) / Page * Page;
                head.DataLocation = TensorProto.Types.DataLocation.External;
                head.ExternalData.Add(Entry("location", Path.GetFileName(dataPath)));
                head.ExternalData.Add(Entry("offset", offset.ToString(CultureInfo.InvariantCulture)));
                head.ExternalData.Add(Entry("length", data.ByteCount.ToString(CultureInfo.InvariantCulture)));
                offset += data.ByteCount;
            }

            heads.Add((head, data));
        }

        try
        {
            using (var stream = Open(path)) WriteModel(stream, builder, metadata, heads);
            if (offset == 0) return [path];
            using (var stream = Open(dataPath)) WriteExternal(stream, heads);
            return [path, dataPath];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    private static void WriteModel(
        Stream stream, GraphBuilder builder, IReadOnlyDictionary<string, string> metadata,
        List<(TensorProto Head, TensorData Data)> constants)
    {
        var model = new ModelProto
        {
            IrVersion = builder.Opset < AttentionOpset ? IrVersion : AttentionIrVersion,
            ProducerName = GraphFunctions.Producer,
            ProducerVersion = typeof(OnnxWriter).Assembly.GetName().Version?.ToString(3) ?? "",
        };
        foreach (var domain in builder.Domains)
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = domain, Version = domain.Length == 0 ? builder.Opset : 1 });
        foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) model.MetadataProps.Add(Entry(key, value));
        model.Functions.AddRange(builder.Functions);
        model.WriteTo(stream);

        var graphLength = (long)builder.Graph.CalculateSize();
        foreach (var (head, data) in constants)
        {
            var length = TensorLength(head, data);
            graphLength += TagSize(GraphInitializerField) + CodedOutputStream.ComputeLengthSize((int)length) + length;
        }

        using var output = new CodedOutputStream(stream, leaveOpen: true);
        output.WriteTag(ModelGraphField, WireFormat.WireType.LengthDelimited);
        output.WriteLength(checked((int)graphLength));
        builder.Graph.WriteTo(output);
        foreach (var (head, data) in constants)
        {
            output.WriteTag(GraphInitializerField, WireFormat.WireType.LengthDelimited);
            output.WriteLength(checked((int)TensorLength(head, data)));
            head.WriteTo(output);
            if (head.DataLocation == TensorProto.Types.DataLocation.External) continue;
            output.WriteTag(TensorRawDataField, WireFormat.WireType.LengthDelimited);
            output.WriteLength(checked((int)data.ByteCount));
            output.Flush();
            WriteExactly(stream, head, data);
        }
    }

    private static void WriteExternal(Stream stream, List<(TensorProto Head, TensorData Data)> constants)
    {
        foreach (var (head, data) in constants)
        {
            if (head.DataLocation != TensorProto.Types.DataLocation.External) continue;
            stream.Write(new byte[(Page - (stream.Position % Page)) % Page]);
            WriteExactly(stream, head, data);
        }
    }

    private static void WriteExactly(Stream stream, TensorProto head, TensorData data)
    {
        var start = stream.Position;
        data.Write(stream);
        if (stream.Position - start != data.ByteCount)
            throw new InvalidOperationException($"tensor {head.Name}: announced {data.ByteCount} bytes, wrote {stream.Position - start}");
    }

    private static long TensorLength(TensorProto head, TensorData data)
    {
        var length = (long)head.CalculateSize();
        return head.DataLocation == TensorProto.Types.DataLocation.External
            ? length
            : checked(length + TagSize(TensorRawDataField) + CodedOutputStream.ComputeLengthSize((int)data.ByteCount) + data.ByteCount);
    }

    private static int TagSize(int field) => CodedOutputStream.ComputeTagSize(field);

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };

    private static FileStream Open(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 1 << 20 });
}
