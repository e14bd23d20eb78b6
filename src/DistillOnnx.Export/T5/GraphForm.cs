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
    /// Whether the encoder's self-attention is ONNX's own operator <c>Attention</c>, which came with opset 23. On a processor ONNX Runtime
    /// runs it in two thirds of the time of the contributed <c>MultiHeadAttention</c>, for it does not move heads through memory.
    /// </summary>
    public bool AttentionOperator { get; init; }

    /// <summary>The version of ONNX's own operators that the graph names.</summary>
    public int Opset => AttentionOperator ? OnnxWriter.AttentionOpset : OnnxWriter.Opset;

    /// <summary>
    /// The form of graphs that label, which only this project's runtimes and ONNX Runtime itself read: what eight bits are for is
    /// processors, so there they take the operator that is faster on one. Graphs that decode stay readable by older runtimes.
    /// </summary>
    public GraphForm ForLabels() => this with { AttentionOperator = Precision == GraphPrecision.Int8 && !Portable };
}
