namespace DistillOnnx.Cli;

/// <summary>What the process says to the script that started it.</summary>
internal static class ExitCode
{
    /// <summary>The work could not be done.</summary>
    public const int Failed = 1;

    /// <summary>The arguments or the input cannot be used.</summary>
    public const int BadInput = 2;

    /// <summary>A signal stopped the work; what was done is kept where the verb can resume.</summary>
    public const int Interrupted = 130;
}
