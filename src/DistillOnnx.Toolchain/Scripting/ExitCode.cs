using DistillOnnx.Core;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Toolchain.Scripting;

/// <summary>Exit codes of the verbs, for scripts.</summary>
public static class ExitCode
{
    /// <summary>The work is done.</summary>
    public const int Done = 0;

    /// <summary>The work could not be done, or missed its quality gate.</summary>
    public const int Failed = 1;

    /// <summary>The arguments or the input cannot be used.</summary>
    public const int BadInput = 2;

    /// <summary>A signal stopped the work; what was done is kept where the stage can resume.</summary>
    public const int Interrupted = 130;

    /// <summary>The code for a fault that a stage threw.</summary>
    /// <param name="fault">The fault, wrapped or not.</param>
    /// <param name="interrupted">Whether a signal asked to stop.</param>
    /// <param name="message">One line for stderr.</param>
    public static int Of(Exception fault, bool interrupted, out string message)
    {
        // A task group reports its first fault wrapped; the fault is what the user needs.
        while (fault is AggregateException { InnerException: { } inner }) fault = inner;
        message = StagedOutputs.NameOutputs(fault.Message).ReplaceLineEndings(" ").Trim();
        switch (fault)
        {
            case OperationCanceledException when interrupted:
                message = "interrupted"
                    + (message.StartsWith("The operation", StringComparison.Ordinal)
                        || message.StartsWith("A task was", StringComparison.Ordinal)
                        ? ""
                        : $": {message}");
                return Interrupted;
            case InputException:
                return BadInput;
            default:
                return Failed;
        }
    }
}
