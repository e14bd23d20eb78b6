using System.IO.Pipes;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>
/// Standard output for rows. Where its reader has ended (<c>distill predict … | head</c>) a write fails: the console's own stream
/// drops what it is given then, and the run would go on for nobody.
/// </summary>
internal static class StandardOutput
{
    private const int Descriptor = 1;
    private const int BufferSize = 1 << 16;
    private const int BrokenPipe = 32; // EPIPE of Linux and macOS

    /// <summary>Opens it, buffered. It is flushed by its user and not disposed: that would flush once more after a failure.</summary>
    public static Stream Open() => new BufferedStream(Unbuffered(), BufferSize);

    /// <summary>Whether a write failed because nobody reads any more.</summary>
    /// <param name="fault">What was thrown.</param>
    public static bool HasNoReader(IOException fault) => fault.InnerException is SocketException { NativeErrorCode: BrokenPipe };

    // A pipe's own stream tells of a reader that has ended (by the fault of a socket, which it writes as); files and terminals have none.
    private static Stream Unbuffered()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardOutput();
        try
        {
            return new AnonymousPipeClientStream(PipeDirection.Out, new SafePipeHandle(Descriptor, ownsHandle: false));
        }
        catch (IOException)
        {
            return Console.OpenStandardOutput();
        }
    }
}
