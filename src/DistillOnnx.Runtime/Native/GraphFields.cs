using DistillOnnx.Core.Protobuf;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Native;

/// <summary>Writes parts of ONNX models: nodes, inputs and outputs, as their own messages or to be appended to those of a file.</summary>
internal sealed class GraphFields
{
    // Fields of ModelProto, GraphProto, NodeProto, AttributeProto, ValueInfoProto, TypeProto, TensorProto and OperatorSetIdProto.
    private const int ModelIrVersion = 1, ModelGraph = 7, ModelOpset = 8, OpsetVersion = 2;
    private const int GraphNode = 1, GraphName = 2, GraphInitializer = 5, GraphInput = 11, GraphOutput = 12;
    private const int NodeInput = 1, NodeOutput = 2, NodeName = 3, NodeOperator = 4, NodeAttribute = 5;
    private const int AttributeName = 1, AttributeInteger = 3, AttributeType = 20, IntegerAttribute = 2;
    private const int ValueName = 1, ValueType = 2, TypeTensor = 1, TensorElement = 1, TensorShape = 2;
    private const int ShapeDimension = 1, DimensionName = 2;
    private const int TensorDimensions = 1, TensorDataType = 2, TensorName = 8, TensorRaw = 9;
    private const int IrVersion = 8, Opset = 17;

    private readonly ProtoWriter _graph = new();

    /// <summary>Adds a node with one output or several.</summary>
    /// <param name="operation">The operator, of ONNX's own set.</param>
    /// <param name="inputs">Names of its inputs.</param>
    /// <param name="outputs">Names of its outputs; the first is also its own.</param>
    /// <param name="attributes">Its attributes.</param>
    public GraphFields Node(string operation, string[] inputs, string[] outputs, params (string Name, long Value)[] attributes)
    {
        var node = new ProtoWriter();
        foreach (var input in inputs) node.Text(NodeInput, input);
        foreach (var output in outputs) node.Text(NodeOutput, output);
        node.Text(NodeName, outputs[0]).Text(NodeOperator, operation);
        foreach (var (name, value) in attributes)
        {
            node.Bytes(NodeAttribute, new ProtoWriter().Text(AttributeName, name).Varint(AttributeInteger, value)
                .Varint(AttributeType, IntegerAttribute).ToArray());
        }

        _graph.Bytes(GraphNode, node.ToArray());
        return this;
    }

    /// <summary>Adds an input.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dimensions">Names of its dimensions; null: even their number varies.</param>
    public GraphFields Input(string name, TensorElementType type, params string[]? dimensions) =>
        Value(GraphInput, name, type, dimensions);

    /// <summary>Adds an output.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dimensions">Names of its dimensions; null: even their number varies.</param>
    public GraphFields Output(string name, TensorElementType type, params string[]? dimensions) =>
        Value(GraphOutput, name, type, dimensions);

    /// <summary>Adds a constant of integers: int64 [1].</summary>
    public GraphFields Constant(string name, long value)
    {
        _graph.Bytes(GraphInitializer, new ProtoWriter().Varint(TensorDimensions, 1).Varint(TensorDataType, (int)TensorElementType.Int64)
            .Text(TensorName, name).Bytes(TensorRaw, BitConverter.GetBytes(value)).ToArray());
        return this;
    }

    /// <summary>What is appended to a model so that its graph has these parts as well.</summary>
    public byte[] ToAddition() => new ProtoWriter().Bytes(ModelGraph, _graph.ToArray()).ToArray();

    /// <summary>A model of these parts alone.</summary>
    public byte[] ToModel(string name) => new ProtoWriter().Varint(ModelIrVersion, IrVersion)
        .Bytes(ModelOpset, new ProtoWriter().Varint(OpsetVersion, Opset).ToArray())
        .Bytes(ModelGraph, new ProtoWriter().Text(GraphName, name).Verbatim(_graph.ToArray()).ToArray()).ToArray();

    private GraphFields Value(int field, string name, TensorElementType type, string[]? dimensions)
    {
        var tensor = new ProtoWriter().Varint(TensorElement, (int)type);
        if (dimensions is not null)
        {
            var shape = new ProtoWriter();
            foreach (var dimension in dimensions) shape.Bytes(ShapeDimension, new ProtoWriter().Text(DimensionName, dimension).ToArray());
            tensor.Bytes(TensorShape, shape.ToArray());
        }

        var typed = new ProtoWriter().Bytes(TypeTensor, tensor.ToArray());
        _graph.Bytes(field, new ProtoWriter().Text(ValueName, name).Bytes(ValueType, typed.ToArray()).ToArray());
        return this;
    }
}
