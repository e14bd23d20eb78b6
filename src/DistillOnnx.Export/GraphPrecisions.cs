namespace DistillOnnx.Export;

/// <summary>The precisions by the names that files and options use, which are also transformers.js's.</summary>
public static class GraphPrecisions
{
    /// <summary>All names, full precision first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Enum.GetValues<GraphPrecision>().Select(Name)];

    /// <summary>The name of a precision.</summary>
    /// <param name="precision">The precision.</param>
    public static string Name(GraphPrecision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>The precision of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static GraphPrecision Parse(string name)
    {
        foreach (var precision in Enum.GetValues<GraphPrecision>())
        {
            if (Name(precision) == name) return precision;
        }

        throw new ArgumentException($"no precision is named \"{name}\"", nameof(name));
    }

    /// <summary>How weights are stored and multiplied, for the manifest.</summary>
    /// <param name="precision">The precision.</param>
    /// <param name="portable">Whether the graphs keep to ONNX's own operators.</param>
    internal static string Describe(GraphPrecision precision, bool portable) => precision switch
    {
        GraphPrecision.Fp32 => "single precision",
        GraphPrecision.Fp16 when portable => "weights in half precision; norms, softmax and the feed-forward output in single",
        GraphPrecision.Fp16 => "weights and layers in half precision, scaled to stay in its range; norms and the residual stream in single",
        GraphPrecision.Int8 => "weights in 8 bits per column, activations in 8 bits per token, quantised at run time",
        _ => "weights in 4 bits per block of 32, products in single precision",
    };
}
