namespace DistillOnnx.Core.Prediction;

/// <summary>A model that was loaded failed when it ran, or answered with values that are no numbers: not the caller's fault.</summary>
public sealed class InferenceException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line.</param>
    public InferenceException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line.</param>
    /// <param name="inner">What the engine threw.</param>
    public InferenceException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
