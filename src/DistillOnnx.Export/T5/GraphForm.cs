namespace DistillOnnx.Export.T5;

/// <summary>How a graph is written down.</summary>
internal sealed record GraphForm
{
    /// <summary>Only operators of ONNX's own domain; otherwise also ONNX Runtime's contributed ones, where they are faster.</summary>
    public bool Portable { get; init; }

    /// <summary>How weights are stored and multiplied.</summary>
    public GraphPrecision Precision { get; init; }
}
