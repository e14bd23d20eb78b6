using DistillOnnx.Export.Onnx.Proto;
using Google.Protobuf;

namespace DistillOnnx.Export.Onnx;

/// <summary>Functions: operators that the file itself defines by others.</summary>
internal sealed partial class GraphBuilder
{
    private readonly SortedDictionary<string, FunctionProto> _functions = new(StringComparer.Ordinal);

    /// <summary>The functions that nodes of the graph call.</summary>
    public IReadOnlyCollection<FunctionProto> Functions => Root._functions.Values;

    /// <summary>Defines a function.</summary>
    /// <param name="domain">Its domain.</param>
    /// <param name="name">Its name.</param>
    /// <param name="inputs">Names of its inputs.</param>
    /// <param name="attributes">Names of its attributes.</param>
    /// <param name="body">Adds its nodes; receives a builder and the inputs, and gives the outputs.</param>
    public static FunctionProto Function(
        string domain, string name, string[] inputs, string[] attributes, Func<GraphBuilder, Value[], Value[]> body)
    {
        var builder = new GraphBuilder(name, OnnxWriter.AttentionOpset);
        var outputs = body(builder, [.. inputs.Select(i => new Value(i))]);
        var function = new FunctionProto { Domain = domain, Name = name };
        function.Input.AddRange(inputs);
        function.Output.AddRange(outputs.Select(o => o.Name));
        function.Attribute.AddRange(attributes);
        foreach (var used in builder.Domains)
            function.OpsetImport.Add(new OperatorSetIdProto { Domain = used, Version = used.Length == 0 ? builder.Opset : 1 });

        // A function has no initializers: its constants are nodes.
        foreach (var (constant, data) in builder.Constants) function.Node.Add(ConstantNode(constant, data));
        function.Node.AddRange(builder.Graph.Node);
        return function;
    }

    /// <summary>Adds a node that calls a function, which the file then holds.</summary>
    /// <param name="function">The function.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="attributes">Its attributes.</param>
    public Value[] Call(FunctionProto function, Value[] inputs, params (string Name, object Value)[] attributes)
    {
        Root._functions[function.Name] = function;
        return Nodes($"{function.Domain}.{function.Name}", inputs, function.Output.Count, attributes);
    }

    private static NodeProto ConstantNode(string name, TensorData data)
    {
        using var values = new MemoryStream();
        data.Write(values);
        var tensor = new TensorProto { DataType = (int)data.Type, RawData = ByteString.CopyFrom(values.ToArray()) };
        tensor.Dims.AddRange(data.Dims);
        var attribute = new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = tensor };
        return new NodeProto { OpType = "Constant", Name = name, Output = { name }, Attribute = { attribute } };
    }
}
