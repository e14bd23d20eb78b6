namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>The work was done and its result is not good enough: a build should stop. Exit code 1.</summary>
/// <param name="message">One line: what was measured, what was asked for.</param>
public sealed class QualityGateException(string message) : Exception(message);
