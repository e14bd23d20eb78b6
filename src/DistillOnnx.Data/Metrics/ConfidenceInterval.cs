namespace DistillOnnx.Data.Metrics;

/// <summary>Where a figure lies with a confidence of 95 %.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Method">How the interval is made: <c>wilson</c> or <c>bootstrap</c>.</param>
public sealed record ConfidenceInterval(double Low, double High, string Method)
{
    /// <summary>Its level of confidence, a fraction of one.</summary>
    public double Level => 0.95;
}
