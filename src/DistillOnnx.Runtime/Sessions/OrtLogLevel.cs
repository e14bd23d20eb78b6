namespace DistillOnnx.Runtime.Sessions;

/// <summary>From which severity on ONNX Runtime writes its own messages to stderr.</summary>
public enum OrtLogLevel
{
    /// <summary>Everything.</summary>
    Verbose,

    /// <summary>What it does.</summary>
    Info,

    /// <summary>What is odd.</summary>
    Warning,

    /// <summary>What failed.</summary>
    Error,

    /// <summary>What it cannot go on after.</summary>
    Fatal,
}
