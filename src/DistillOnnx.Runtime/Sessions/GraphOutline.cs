using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Protobuf;
using DistillOnnx.Runtime.Kernels;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// A graph file without the values of its large constants: these are said to stand where they stand anyway, in the file
/// itself. So several sessions can be made of one graph without reading its weights again.
/// </summary>
internal sealed class GraphOutline
{
    // Below this a second copy is not worth a thought.
    private const int LeastBytes = 4096;

    // A graph without its constants is far smaller; what is not has hardly any large constants.
    private const int MostBytes = 64 << 20;

    private const string Expected = "an ONNX model";

    // Fields of ModelProto, OperatorSetIdProto, FunctionProto, GraphProto, NodeProto, TensorProto and
    // StringStringEntryProto.
    private const int ModelProducer = 2, ModelGraph = 7, ModelOpset = 8, ModelFunction = 25;
    private const int OpsetDomain = 1, OpsetVersion = 2;
    private const int FunctionName = 1, FunctionDomain = 10;
    private const int GraphNode = 1, GraphInitializer = 5;
    private const int NodeInput = 1, NodeOperator = 4;
    private const int TensorDims = 1, TensorType = 2, TensorName = 8, TensorRawData = 9, TensorExternalData = 13, TensorDataLocation = 14;
    private const int EntryKey = 1, EntryValue = 2;
    private const int External = 1;

    private readonly string _path;
    private readonly bool _kernels;
    private readonly HashSet<string> _multiplied = new(StringComparer.Ordinal);
    private readonly HashSet<string> _otherwiseRead = new(StringComparer.Ordinal);
    private readonly List<GraphConstant> _constants = [];
    private bool _isOurs;
    private bool _replaced;

    private GraphOutline(string path, bool kernels) => (_path, _kernels) = (path, kernels);

    /// <summary>The model without its large constants.</summary>
    public byte[] Model { get; private set; } = [];

    /// <summary>Those constants.</summary>
    public IReadOnlyList<GraphConstant> Constants => _constants;

    /// <summary>Whether the graph has constants in another file: these are not among <see cref="Constants"/>.</summary>
    public bool HasOtherFiles { get; private set; }

    /// <summary>Whether the model now has operators for which a session needs <see cref="KernelOperators"/>.</summary>
    public bool NeedsKernels { get; private set; }

    /// <summary>Reads a graph file.</summary>
    /// <param name="file">Its content.</param>
    /// <param name="path">Its path.</param>
    /// <param name="kernels">Whether functions for which there are kernels are left out, and nodes for which there are replaced.</param>
    /// <exception cref="InputException">It is no ONNX model.</exception>
    public static GraphOutline Read(ReadOnlySpan<byte> file, string path, bool kernels = false)
    {
        var outline = new GraphOutline(path, kernels);
        var model = new ProtoWriter();
        var reader = outline.Reader(file, 0);
        for (var from = reader.Offset; reader.Next(); from = reader.Offset)
        {
            if (reader.Field == ModelProducer) outline.ReadProducer(reader);
            if (reader.Field == ModelGraph) outline.Add(model, ModelGraph, outline.Graph(reader.ReadBytes(out var at), at));
            else if (kernels && reader.Field == ModelFunction) outline.Function(model, reader.ReadBytes(out var function), function);
            else outline.Copy(ref reader, file, from, 0, model);
        }

        // A graph that calls functions of the domain says so already.
        if (outline._replaced && !outline.NeedsKernels)
        {
            var import = new ProtoWriter().Text(OpsetDomain, GraphFunctions.Domain).Varint(OpsetVersion, GraphFunctions.Version);
            outline.Add(model, ModelOpset, import.ToArray());
        }

        outline.NeedsKernels |= outline._replaced;
        outline.Model = model.ToArray();
        return outline;
    }

    /// <summary>What the kernel of attention takes is the form in which this project writes it; nobody else's nodes are touched.</summary>
    private void ReadProducer(ProtoReader reader) => _isOurs = reader.ReadText() == GraphFunctions.Producer;

    private void Function(ProtoWriter model, ReadOnlySpan<byte> data, int origin)
    {
        var (domain, name) = ("", "");
        var reader = Reader(data, origin);
        while (reader.Next())
        {
            if (reader.Field == FunctionName) name = reader.ReadText();
            else if (reader.Field == FunctionDomain) domain = reader.ReadText();
            else reader.Skip();
        }

        if (KernelOperators.Has(domain, name)) NeedsKernels = true;
        else Add(model, ModelFunction, data.ToArray());
    }

    private byte[] Graph(ReadOnlySpan<byte> data, int origin)
    {
        // Whatever order the fields come in: first who reads what, then the constants.
        var nodes = Reader(data, origin);
        while (nodes.Next())
        {
            if (nodes.Field == GraphNode) Node(nodes.ReadBytes(out var at), at);
            else nodes.Skip();
        }

        var graph = new ProtoWriter();
        var reader = Reader(data, origin);
        for (var from = reader.Offset; reader.Next(); from = reader.Offset)
        {
            if (reader.Field == GraphInitializer) Add(graph, GraphInitializer, Tensor(reader.ReadBytes(out var at), at));
            else if (_kernels && _isOurs && reader.Field == GraphNode) AddNode(graph, reader.ReadBytes(out var node), node);
            else Copy(ref reader, data, from, origin, graph);
        }

        return graph.ToArray();
    }

    private void AddNode(ProtoWriter graph, ReadOnlySpan<byte> data, int origin)
    {
        var replaced = AttentionNodes.Replace(Reader(data, origin));
        _replaced |= replaced is not null;
        Add(graph, GraphNode, replaced ?? data.ToArray());
    }

    private void Node(ReadOnlySpan<byte> data, int origin)
    {
        var inputs = new List<string>();
        var name = "";
        var reader = Reader(data, origin);
        while (reader.Next())
        {
            if (reader.Field == NodeInput) inputs.Add(reader.ReadText());
            else if (reader.Field == NodeOperator) name = reader.ReadText();
            else reader.Skip();
        }

        // These bring their second operand, if it is one matrix, into a layout of their own when a session is made.
        var packs = name is "MatMul" or "MatMulInteger" or "MatMulIntegerToFloat" or "DynamicQuantizeMatMul";
        for (var i = 0; i < inputs.Count; i++) (packs && i == 1 ? _multiplied : _otherwiseRead).Add(inputs[i]);
    }

    private byte[] Tensor(ReadOnlySpan<byte> data, int origin)
    {
        var head = new ProtoWriter();
        var (name, type, shape) = ("", 0, new List<long>());
        var (offset, length, elsewhere) = (0, 0, false);
        var reader = Reader(data, origin);
        for (var from = reader.Offset; reader.Next(); from = reader.Offset)
        {
            switch (reader.Field)
            {
                case TensorRawData:
                    length = reader.ReadBytes(out offset).Length;
                    continue;
                case TensorDims when reader.Wire == WireType.Bytes:
                    var packed = Reader(reader.ReadBytes(out var at), at);
                    while (!packed.AtEnd) shape.Add(unchecked((long)packed.ReadRaw()));
                    break;
                case TensorDims:
                    shape.Add(unchecked((long)reader.ReadVarint()));
                    break;
                case TensorType:
                    type = reader.ReadInt32();
                    break;
                case TensorName:
                    name = reader.ReadText();
                    break;
                case TensorExternalData or TensorDataLocation:
                    elsewhere = true;
                    reader.Skip();
                    break;
                default:
                    reader.Skip();
                    break;
            }

            Verbatim(data, from, reader.Offset, origin, head);
        }

        HasOtherFiles |= elsewhere;
        if (elsewhere || length < LeastBytes || !Fits(shape, (TensorElementType)type, length)) return data.ToArray();
        var onlyMultiplied = shape.Count == 2 && _multiplied.Contains(name) && !_otherwiseRead.Contains(name);
        _constants.Add(new GraphConstant(name, (TensorElementType)type, [.. shape], offset, length, onlyMultiplied));
        return head
            .Bytes(TensorExternalData, Entry("location", Path.GetFileName(_path)))
            .Bytes(TensorExternalData, Entry("offset", offset.ToString(CultureInfo.InvariantCulture)))
            .Bytes(TensorExternalData, Entry("length", length.ToString(CultureInfo.InvariantCulture)))
            .Varint(TensorDataLocation, External)
            .ToArray();
    }

    /// <summary>Whether the values are as many as the shape says; where not, ONNX Runtime shall see it and say so.</summary>
    private static bool Fits(List<long> shape, TensorElementType type, int length)
    {
        var size = type switch
        {
            TensorElementType.Float => 4L,
            TensorElementType.Float16 => 2,
            TensorElementType.Int8 or TensorElementType.UInt8 => 1,
            _ => 0,
        };
        foreach (var dimension in shape)
        {
            if (dimension < 0 || size > length) return false;
            size *= dimension;
        }

        return size == length;
    }

    private static byte[] Entry(string key, string value) => new ProtoWriter().Text(EntryKey, key).Text(EntryValue, value).ToArray();

    private ProtoReader Reader(ReadOnlySpan<byte> data, int origin) => new(data, _path, Expected, origin);

    private void Copy(ref ProtoReader reader, ReadOnlySpan<byte> data, int from, int origin, ProtoWriter to)
    {
        reader.Skip();
        Verbatim(data, from, reader.Offset, origin, to);
    }

    private void Verbatim(ReadOnlySpan<byte> data, int from, int to, int origin, ProtoWriter writer)
    {
        Require(writer.Length + (to - from));
        writer.Verbatim(data[(from - origin)..(to - origin)]);
    }

    private void Add(ProtoWriter writer, int field, byte[] message)
    {
        Require(writer.Length + message.Length);
        writer.Bytes(field, message);
    }

    private void Require(long length)
    {
        if (length > MostBytes) throw new InputException($"{_path}: more than {MostBytes >> 20} MB beside its large constants");
    }
}
