using System.ComponentModel;
using System.Diagnostics;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>Runs other programs.</summary>
internal static class Programs
{
    /// <summary>Runs one to its end, within a bound. Null: it is not on this machine.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="directory">Where it runs.</param>
    /// <param name="input">What it reads; null: nothing.</param>
    /// <param name="environment">A variable beside this process's own.</param>
    /// <param name="stop">Ends it before.</param>
    public static async Task<Run?> RunAsync(
        string program,
        IEnumerable<string> arguments,
        string directory,
        string? input = null,
        (string Name, string Value)? environment = null,
        CancellationToken stop = default)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (environment is { } variable) start.Environment[variable.Name] = variable.Value;
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(patience.Token);
            return new Run(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return new Run(-1, "", $"{program} was ended");
        }
    }

    /// <summary>
    /// A folder with gRPC for Node and the programs that use it: the sample and the tests' own. Skips the test where npm is not here, or
    /// cannot bring it.
    /// </summary>
    public static async Task<TemporaryDirectory> GrpcJsAsync()
    {
        var directory = new TemporaryDirectory();
        string[] folders = ["scripts/samples/node", "tests/DistillOnnx.Server.Tests/Interop/grpc-js"];
        foreach (var file in folders.SelectMany(f => Directory.EnumerateFiles(Path.Combine(Repository.Root, f))))
            File.Copy(file, directory[Path.GetFileName(file)]);
        var installed = await RunAsync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], directory.Path);
        if (installed is { Code: 0 }) return directory;
        directory.Dispose();
        Assert.Skip("npm is not here, or cannot install @grpc/grpc-js");
        throw new InvalidOperationException();
    }

    internal sealed record Run(int Code, string Output, string Error);
}
