using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using DistillOnnx.Export.Onnx.Proto;
using Google.Protobuf;

namespace DistillOnnx.Export.Onnx;

/// <summary>
/// Builds one graph, node by node, in the order of execution. Subgraphs (the branches of an <c>If</c>) are built by
/// <see cref="Branch"/>: they see the values around them, and their constants stand in the outermost graph, once.
/// </summary>
internal sealed partial class GraphBuilder
{
    private readonly GraphBuilder? _outer;
    private readonly GraphProto _graph;
    private readonly Dictionary<string, TensorData> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _domains = new(StringComparer.Ordinal) { "" };
    private string _scope = "";

    /// <summary>Starts a graph.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="opset">The version of ONNX's own operators that it names.</param>
    public GraphBuilder(string name, int opset = OnnxWriter.Opset)
        : this(name, opset, null)
    {
    }

    private GraphBuilder(string name, int opset, GraphBuilder? outer)
    {
        Opset = opset;
        _outer = outer;
        _graph = new GraphProto { Name = name };
    }

    /// <summary>The graph without its constants, which the writer streams.</summary>
    public GraphProto Graph => _graph;

    /// <summary>The version of ONNX's own operators.</summary>
    public int Opset { get; }

    /// <summary>The constants by name, in the order in which they were first asked for.</summary>
    public IReadOnlyDictionary<string, TensorData> Constants => _constants;

    /// <summary>The operator domains in use, ONNX's own as the empty name.</summary>
    public IReadOnlyCollection<string> Domains => Root._domains;

    private GraphBuilder Root => _outer?.Root ?? this;

    /// <summary>Starts a branch of this graph, to be given to a node as an attribute.</summary>
    /// <param name="name">Its name, which also begins the names of its values.</param>
    public GraphBuilder Branch(string name) => new(name, Opset, this) { _scope = name + "/" };

    /// <summary>Begins the names of what is built until disposal: for readers of the graph.</summary>
    /// <param name="name">One part of a path, for instance <c>block.0</c>.</param>
    public IDisposable Scope(string name)
    {
        var before = _scope;
        _scope += name + "/";
        return new Restore(() => _scope = before);
    }

    /// <summary>Declares an input.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dims">Its shape.</param>
    public Value Input(string name, ElementType type, params Dim[] dims)
    {
        _graph.Input.Add(Describe(name, type, dims));
        return new Value(name);
    }

    /// <summary>Declares an output: the value takes the output's name.</summary>
    /// <param name="value">The value, made by a node of this graph.</param>
    /// <param name="name">The output's name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dims">Its shape.</param>
    public void Output(Value value, string name, ElementType type, params Dim[] dims)
    {
        _graph.Output.Add(Describe(name, type, dims));
        foreach (var node in _graph.Node)
        {
            Rename(node.Input, value.Name, name);
            Rename(node.Output, value.Name, name);
        }

        if (_graph.ValueInfo.FirstOrDefault(v => v.Name == value.Name) is { } described) _graph.ValueInfo.Remove(described);
    }

    /// <summary>A constant under a name of its own, for instance a weight; the same name is stored once.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="data">Makes its values; not called where the name is known.</param>
    public Value Constant(string name, Func<TensorData> data)
    {
        if (!Root._constants.ContainsKey(name)) Root._constants.Add(name, data());
        return new Value(name);
    }

    /// <summary>A small constant; equal ones are stored once.</summary>
    /// <param name="values">Its elements.</param>
    /// <param name="dims">Its shape; none: one dimension.</param>
    public Value Constant<T>(T[] values, params long[] dims)
        where T : unmanaged
    {
        if (dims.Length == 0) dims = [values.Length];
        var text = $"{typeof(T).Name}[{string.Join(',', dims)}]";
        text += values.Length <= 4
            ? string.Join(',', values.Select(v => string.Format(CultureInfo.InvariantCulture, "{0}", v)))
            : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(MemoryMarshal.AsBytes(values.AsSpan())))[..16];
        return Constant("constant/" + text, () => TensorData.Of(dims, values));
    }

    /// <summary>A scalar constant.</summary>
    /// <param name="value">Its value.</param>
    public Value Scalar<T>(T value)
        where T : unmanaged
    {
        var name = string.Format(CultureInfo.InvariantCulture, "constant/{0}:{1}", typeof(T).Name, value);
        return Constant(name, () => TensorData.Of([], [value]));
    }

    /// <summary>Adds a node with one output.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its inputs; <see cref="Value.None"/> for one left out.</param>
    /// <param name="attributes">Its attributes; of int, long, float, string, arrays of numbers, a <see cref="GraphBuilder"/>, or within a
    /// function an <see cref="AttributeReference"/>.</param>
    public Value Node(string op, Value[] inputs, params (string Name, object Value)[] attributes) => Nodes(op, inputs, 1, attributes)[0];

    /// <summary>Adds a node with several outputs.</summary>
    /// <param name="op">The operator; one of another domain has it before a dot: <c>com.microsoft.MultiHeadAttention</c>.</param>
    /// <param name="inputs">Its inputs; <see cref="Value.None"/> for one left out.</param>
    /// <param name="outputs">Number of outputs.</param>
    /// <param name="attributes">Its attributes.</param>
    public Value[] Nodes(string op, Value[] inputs, int outputs, params (string Name, object Value)[] attributes)
    {
        var dot = op.LastIndexOf('.');
        var domain = dot < 0 ? "" : op[..dot];
        op = op[(dot + 1)..];
        Root._domains.Add(domain);
        var node = new NodeProto { OpType = op, Domain = domain, Name = Unique(_scope + op) };
        foreach (var input in inputs) node.Input.Add(input.Name ?? "");
        while (node.Input.Count > 0 && node.Input[^1].Length == 0) node.Input.RemoveAt(node.Input.Count - 1);
        var values = new Value[outputs];
        for (var i = 0; i < outputs; i++)
        {
            values[i] = new Value(outputs == 1 ? node.Name : $"{node.Name}:{i}");
            node.Output.Add(values[i].Name);
        }

        foreach (var (name, value) in attributes) node.Attribute.Add(Attribute(name, value));
        _graph.Node.Add(node);
        return values;
    }

    /// <summary>Marks outputs of the last node as unwanted, which saves making them.</summary>
    /// <param name="value">The output.</param>
    public void Discard(Value value)
    {
        var outputs = _graph.Node[^1].Output;
        outputs[outputs.IndexOf(value.Name)] = "";
    }

    /// <summary>States a value's type and shape, where inference cannot know it: after operators of other domains.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dims">Its shape.</param>
    public Value Is(Value value, ElementType type, params Dim[] dims)
    {
        _graph.ValueInfo.Add(Describe(value.Name, type, dims));
        return value;
    }

    private static ValueInfoProto Describe(string name, ElementType type, Dim[] dims) => new()
    {
        Name = name,
        Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = Dim.ToShape(dims) } },
    };

    private static void Rename(IList<string> names, string from, string to)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == from) names[i] = to;
        }
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case int i: (attribute.Type, attribute.I) = (AttributeProto.Types.AttributeType.Int, i); break;
            case long i: (attribute.Type, attribute.I) = (AttributeProto.Types.AttributeType.Int, i); break;
            case ElementType t: (attribute.Type, attribute.I) = (AttributeProto.Types.AttributeType.Int, (long)t); break;
            case AttributeReference r: (attribute.Type, attribute.RefAttrName) = (r.Type, r.Name); break;
            case float f: (attribute.Type, attribute.F) = (AttributeProto.Types.AttributeType.Float, f); break;
            case string s:
                (attribute.Type, attribute.S) = (AttributeProto.Types.AttributeType.String, ByteString.CopyFrom(s, Encoding.UTF8));
                break;
            case GraphBuilder g: (attribute.Type, attribute.G) = (AttributeProto.Types.AttributeType.Graph, g._graph); break;
            case int[] ints:
                attribute.Type = AttributeProto.Types.AttributeType.Ints;
                attribute.Ints.AddRange(ints.Select(i => (long)i));
                break;
            default: throw new ArgumentException($"attribute {name}: no ONNX type for {value.GetType().Name}", nameof(value));
        }

        return attribute;
    }

    private string Unique(string name)
    {
        var names = Root._names;
        var count = names.GetValueOrDefault(name);
        names[name] = count + 1;
        return count == 0 ? name : $"{name}_{count}";
    }

    private sealed class Restore(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}
