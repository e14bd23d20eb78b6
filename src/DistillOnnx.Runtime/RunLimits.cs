using DistillOnnx.Runtime.Devices;

namespace DistillOnnx.Runtime;

/// <summary>How much one run takes where nobody says: the same for the library, the command line and the server.</summary>
/// <param name="Rows">Most rows.</param>
/// <param name="Tokens">Most tokens, padding counted.</param>
public readonly record struct RunLimits(int Rows, int Tokens)
{
    /// <summary>
    /// For labels and encodings of many inputs of one caller: as many as a device is quickest with. A processor keeps what some hundred
    /// tokens leave between two products in its caches, which larger runs do not.
    /// </summary>
    /// <param name="device">The device.</param>
    public static RunLimits ForMany(DeviceKind device) => device == DeviceKind.Cuda ? new(256, 32768) : new(64, 1024);

    /// <summary>For texts of many inputs of one caller: each step of decoding reads all weights, so it is for many rows.</summary>
    /// <param name="device">The device.</param>
    public static RunLimits ForDecoding(DeviceKind device) => device == DeviceKind.Cuda ? new(256, 32768) : new(64, 4096);

    /// <summary>The same where each row is decoded as several hypotheses, which all have keys and values of their own.</summary>
    /// <param name="beams">Hypotheses of a row.</param>
    internal RunLimits ForBeams(int beams) => new(Math.Max(1, Rows / beams), Math.Max(1, Tokens / beams));

    /// <summary>
    /// For inputs of many callers who wait for their own: a processor reaches its highest rate at a few hundred tokens, and larger runs
    /// would only make each caller wait for more others.
    /// </summary>
    /// <param name="device">The device.</param>
    public static RunLimits ForCallers(DeviceKind device) => device == DeviceKind.Cuda ? new(256, 16384) : new(32, 512);
}
