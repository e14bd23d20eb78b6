using System.Runtime.InteropServices;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Toolchain.Scripting;

/// <summary>
/// Turns the first SIGINT or SIGTERM into a cancellation, so that a stage can save what it has; the second one removes outputs
/// that are not complete and ends the process at once.
/// </summary>
public sealed partial class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Listens from now on until it is disposed of.</summary>
    public Interrupt()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) ExitAtOnce();
        context.Cancel = true;
        Console.Error.WriteLine("\ndistill: stopping; once more stops at once");
        _source.Cancel();
    }

    /// <summary>Without running exit handlers: those tear native libraries down under threads that still compute.</summary>
    private static void ExitAtOnce()
    {
        StagedOutputs.DeleteAll();
        if (OperatingSystem.IsWindows()) Environment.Exit(ExitCode.Interrupted);
        ExitProcess(ExitCode.Interrupted);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitProcess(int code);
}
