namespace DistillOnnx.Export.Onnx;

/// <summary>A value of a graph, by name. The default one stands for an optional input left out.</summary>
/// <param name="Name">Its name, unique within the model.</param>
internal readonly record struct Value(string Name)
{
    /// <summary>An optional input left out.</summary>
    public static Value None => new("");
}
