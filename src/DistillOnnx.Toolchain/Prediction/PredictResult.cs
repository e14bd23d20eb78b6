namespace DistillOnnx.Toolchain.Prediction;

/// <summary>What a prediction run did.</summary>
/// <param name="Rows">Rows labelled.</param>
/// <param name="Abstained">Rows on which the model abstained.</param>
/// <param name="Truncated">Rows whose input was cut to the model's longest length.</param>
/// <param name="Seconds">Time of the whole run after loading, in seconds.</param>
/// <param name="Output">Where the answers lie.</param>
public sealed record PredictResult(long Rows, long Abstained, long Truncated, double Seconds, string Output)
{
    /// <summary>Rows without an answer, because the model answered with values that are no numbers.</summary>
    public long Failed { get; init; }
}
