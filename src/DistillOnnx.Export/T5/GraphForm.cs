using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>How a graph is written down.</summary>
internal sealed record GraphForm
{
    /// <summary>Only operators of ONNX's own domain; otherwise also ONNX Runtime's contributed ones, where they are faster.</summary>
    public bool Portable { get; init; }

    /// <summary>How weights are stored and multiplied.</summary>
    public GraphPrecision Precision { get; init; }

    /// <summary>
    /// Whether what happens between integer products stands in the graph as <see cref="RowFunctions"/>, for which this project's runtime
    /// has kernels. They are defined by operators of opset 23: a runtime without the kernels runs its <c>Attention</c> in two thirds of
    /// the time of the contributed <c>MultiHeadAttention</c>, for it does not move heads through memory.
    /// </summary>
    public bool Functions { get; init; }

    /// <summary>The version of ONNX's own operators that the graph names.</summary>
    public int Opset => Functions ? OnnxWriter.AttentionOpset : OnnxWriter.Opset;

    /// <summary>
    /// The form of graphs that label, which only this project's runtimes and ONNX Runtime itself read: what eight bits are for is
    /// processors, so there they take what is faster on one. Graphs that decode stay readable by older runtimes.
    /// </summary>
    public GraphForm ForLabels() => this with { Functions = Precision == GraphPrecision.Int8 && !Portable };
}
