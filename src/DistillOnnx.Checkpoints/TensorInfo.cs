namespace DistillOnnx.Checkpoints;

/// <summary>Name, element type and shape of a tensor: everything but its values.</summary>
/// <param name="Name">Its name in the checkpoint.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its dimensions, slowest first; empty for a scalar.</param>
public sealed record TensorInfo(string Name, TensorType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    /// <exception cref="OverflowException">More than 2^63.</exception>
    public long ElementCount
    {
        get
        {
            var count = 1L;
            foreach (var dimension in Shape) count = checked(count * dimension);
            return count;
        }
    }

    /// <summary>Bytes of all elements.</summary>
    /// <exception cref="OverflowException">More than 2^63.</exception>
    public long ByteCount => checked(ElementCount * Type.Size());

    /// <summary>The shape as messages show it, for instance <c>[512, 64]</c>.</summary>
    public string ShapeText => ShapeToText(Shape);

    /// <summary>A shape as messages show it.</summary>
    internal static string ShapeToText(IReadOnlyList<long> shape) =>
        shape.Count <= 16 ? $"[{string.Join(", ", shape)}]" : $"[{string.Join(", ", shape.Take(16))}, … {shape.Count} dimensions]";
}
