using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>An input or output that a graph must have.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type; <see cref="TensorElementType.Float"/> stands for any floating type that the runtime reads.</param>
/// <param name="Shape">Its dimensions, −1 for those that vary.</param>
internal readonly record struct GraphPort(string Name, TensorElementType Type, params int[] Shape)
{
    public string TypeName => Type == TensorElementType.Float ? "Float or Float16" : Type.ToString();

    public bool Accepts(TensorElementType found) =>
        found == Type || (Type == TensorElementType.Float && found == TensorElementType.Float16);
}
