using System.ComponentModel;
using System.Diagnostics;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>Runs other programs.</summary>
internal static class Programs
{
    /// <summary>Runs one to its end, within a bound. Null: it is not on this machine.</summary>
    public static async Task<Run?> RunAsync(string program, IEnumerable<string> arguments, string directory)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await process.WaitForExitAsync(patience.Token);
            return new Run(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return new Run(-1, "", $"{program} did not end in time");
        }
    }

    internal sealed record Run(int Code, string Output, string Error);
}
