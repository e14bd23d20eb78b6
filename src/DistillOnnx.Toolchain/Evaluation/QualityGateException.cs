namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>The work was done and its result is not good enough: a build should stop. Exit code 1.</summary>
/// <param name="message">One line: what was measured, what was asked for.</param>
/// <param name="result">The result object, which is printed before the exit; null where the stage has none.</param>
public sealed class QualityGateException(string message, object? result = null) : Exception(message)
{
    /// <summary>The result object of the stage; null where it has none.</summary>
    public object? Result { get; } = result;
}
