using System.Diagnostics;

namespace DistillOnnx.Cli.Tests;

/// <summary>The built program, as a shell sees it.</summary>
internal static class DistillProcess
{
    // So that a failure does not hang; the slowest machine is not near it.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>The program's file.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "distill.dll");

    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables beside this process's own.</param>
    public static async Task<(int ExitCode, string Output, string Error)> Run(
        IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        using var process = Start(arguments, environment);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await WaitForExit(process);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts it with all three streams in the test's hands.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables beside this process's own.</param>
    public static Process Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        // A suite that a script starts in the background has SIGINT ignored, and its children inherit that; env gives them the default.
        string[] command = ["dotnet", Program, .. arguments];
        if (OperatingSystem.IsLinux()) command = ["env", "--default-signal=INT", .. command];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits for its end, and ends it where that does not come.</summary>
    /// <param name="process">The process.</param>
    public static async Task WaitForExit(Process process)
    {
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }
    }
}
