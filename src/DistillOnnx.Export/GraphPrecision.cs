namespace DistillOnnx.Export;

/// <summary>How a graph's weights are stored and multiplied. Inputs and outputs are single precision in every one.</summary>
public enum GraphPrecision
{
    /// <summary>Single precision.</summary>
    Fp32,

    /// <summary>
    /// Half precision, scaled by powers of two where values could leave its range; norms and the residual stream stay single, in portable
    /// graphs softmax and the product with <c>wo</c> too.
    /// </summary>
    Fp16,

    /// <summary>
    /// Weights in eight bits with a scale per column, activations quantised while the graph runs, with a scale per token.
    /// </summary>
    Int8,

    /// <summary>Weights in four bits with a scale per block, products in single precision: for size.</summary>
    Q4,
}
