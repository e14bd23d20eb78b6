namespace DistillOnnx.Training.Trainer;

/// <summary>
/// Training came upon numbers that it cannot go on with. The message names the step, the rows and the last good checkpoint.
/// </summary>
/// <param name="message">One line.</param>
public sealed class DivergenceException(string message) : Exception(message);
