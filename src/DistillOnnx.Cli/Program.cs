using DistillOnnx.Cli.Verbs;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Cli;

/// <summary>
/// <c>distill</c>: parses, shows progress, prints. Exit codes: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        // The variable is set before any verb loads ONNX Runtime.
        OnnxRuntimeTelemetry.Apply();
        using var interrupt = new Interrupt();
        var verbose = args.Contains("--verbose");
        var serves = args is [ServeVerb.Name, ..];
        if (serves) ServeVerb.ChooseLines(args);
        try
        {
            return await CommandRunner.RunAsync(args, interrupt.Token);
        }
        catch (Exception e)
        {
            return Fail(e, verbose, interrupt.Token.IsCancellationRequested, serves ? ServeVerb.Fail : Console.Error.WriteLine);
        }
    }

    private static int Fail(Exception exception, bool verbose, bool interrupted, Action<string> write)
    {
        if (verbose) write(exception.ToString());
        var code = ExitCode.Of(exception, interrupted, out var message);
        write($"distill: {message}" + (code == ExitCode.Failed && !verbose ? "; --verbose shows where" : ""));
        return code;
    }
}
