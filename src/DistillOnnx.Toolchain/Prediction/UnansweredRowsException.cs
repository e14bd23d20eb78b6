namespace DistillOnnx.Toolchain.Prediction;

/// <summary>The rows were labelled and the answers written, but some rows have no answer. Exit code 1.</summary>
/// <param name="message">One line: how many rows, of how many.</param>
/// <param name="result">The result object, which is printed before the exit; null where the answers went to standard output.</param>
public sealed class UnansweredRowsException(string message, PredictResult? result) : Exception(message)
{
    /// <summary>The result object of the run; null where the answers went to standard output.</summary>
    public PredictResult? Result { get; } = result;
}
