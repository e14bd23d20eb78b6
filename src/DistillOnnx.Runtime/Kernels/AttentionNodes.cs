using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Protobuf;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>Nodes of ONNX Runtime's <c>MultiHeadAttention</c> that <see cref="AttendOperator"/> can stand for.</summary>
internal static class AttentionNodes
{
    // Fields of NodeProto and AttributeProto.
    private const int NodeInput = 1, NodeOutput = 2, NodeName = 3, NodeOperator = 4, NodeAttribute = 5, NodeDomain = 7;
    private const int AttributeName = 1, AttributeFloat = 2, AttributeInteger = 3, AttributeType = 20, IntegerAttribute = 2;

    /// <summary>The node that takes another's place.</summary>
    /// <param name="reader">Reads the other.</param>
    /// <returns>Null: the node is another operator, or has inputs or attributes that the kernel does not know.</returns>
    public static byte[]? Replace(ProtoReader reader)
    {
        var (inputs, outputs) = (new List<string>(), new List<string>());
        var (name, operation, domain) = ("", "", "");
        long heads = 0;
        var (scale, known) = (0f, true);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case NodeInput: inputs.Add(reader.ReadText()); break;
                case NodeOutput: outputs.Add(reader.ReadText()); break;
                case NodeName: name = reader.ReadText(); break;
                case NodeOperator: operation = reader.ReadText(); break;
                case NodeDomain: domain = reader.ReadText(); break;
                case NodeAttribute: known &= Attribute(reader.ReadNested(), ref heads, ref scale); break;
                default: reader.Skip(); break;
            }
        }

        // Query, key, value, no bias of theirs, a mask of padding, and a bias of the scores.
        if (!known || operation != "MultiHeadAttention" || domain != "com.microsoft" || heads <= 0 || scale != 1 || outputs.Count != 1
            || inputs is not [var query, var key, var value, "", var mask, var bias])
            return null;
        string[] read = [query, key, value, bias, mask];
        if (read.Contains("")) return null;
        var node = new ProtoWriter();
        foreach (var input in read) node.Text(NodeInput, input);
        return node.Text(NodeOutput, outputs[0]).Text(NodeName, name).Text(NodeOperator, AttendOperator.Name)
            .Bytes(NodeAttribute, new ProtoWriter().Text(AttributeName, "heads").Varint(AttributeInteger, heads)
                .Varint(AttributeType, IntegerAttribute).ToArray())
            .Text(NodeDomain, GraphFunctions.Domain).ToArray();
    }

    private static bool Attribute(ProtoReader reader, ref long heads, ref float scale)
    {
        var (name, integer, number) = ("", 0L, 0f);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case AttributeName: name = reader.ReadText(); break;
                case AttributeFloat: number = reader.ReadFloat(); break;
                case AttributeInteger: integer = (long)reader.ReadVarint(); break;
                default: reader.Skip(); break;
            }
        }

        switch (name)
        {
            case "num_heads": heads = integer; return true;
            case "scale": scale = number; return true;

            // What is added at padding, which the kernel leaves out: whatever is so low comes to the same.
            case "mask_filter_value": return number <= -1e4f;
            default: return false;
        }
    }
}
