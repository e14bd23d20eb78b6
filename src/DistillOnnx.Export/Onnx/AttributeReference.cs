using DistillOnnx.Export.Onnx.Proto;

namespace DistillOnnx.Export.Onnx;

/// <summary>In a node of a function: the value is that of an attribute of the function.</summary>
/// <param name="Name">The function's attribute.</param>
/// <param name="Type">Its type.</param>
internal sealed record AttributeReference(string Name, AttributeProto.Types.AttributeType Type);
