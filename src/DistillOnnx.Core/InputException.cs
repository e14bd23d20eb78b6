namespace DistillOnnx.Core;

/// <summary>
/// What the caller gave cannot be used: an argument, a file, a row or a tensor. The message is one line that names it,
/// what was expected and what was found. The command line answers it with exit code 2.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line: the file, row or tensor, what was expected, what was found.</param>
    public InputException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with the fault below it.</summary>
    /// <param name="message">One line: the file, row or tensor, what was expected, what was found.</param>
    /// <param name="inner">The fault that showed it.</param>
    public InputException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
