using System.Globalization;
using DistillOnnx.Export.Onnx.Proto;

namespace DistillOnnx.Export.Onnx;

/// <summary>A dimension of a shape: a number, or a name for a size known only when the graph runs.</summary>
internal readonly record struct Dim
{
    private readonly long _size;
    private readonly string? _name;

    private Dim(long size, string? name)
    {
        _size = size;
        _name = name;
    }

    public static implicit operator Dim(int size) => new(size, null);

    public static implicit operator Dim(long size) => new(size, null);

    public static implicit operator Dim(string name) => new(0, name);

    /// <summary>The number; null: known only when the graph runs.</summary>
    public long? Size => _name is null ? _size : null;

    /// <summary>A shape as ONNX writes it.</summary>
    /// <param name="dims">The dimensions, slowest first.</param>
    public static TensorShapeProto ToShape(IEnumerable<Dim> dims)
    {
        var shape = new TensorShapeProto();
        foreach (var dim in dims)
        {
            shape.Dim.Add(dim._name is { } name
                ? new TensorShapeProto.Types.Dimension { DimParam = name }
                : new TensorShapeProto.Types.Dimension { DimValue = dim._size });
        }

        return shape;
    }

    /// <inheritdoc/>
    public override string ToString() => _name ?? _size.ToString(CultureInfo.InvariantCulture);
}
