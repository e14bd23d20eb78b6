using System.CommandLine;
using DistillOnnx.Cli.Verbs;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Cli;

/// <summary>
/// <c>distill</c>: parses, shows progress, prints. Exit codes: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var root = CommandTree.Build(args);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            var verb = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
            var errors = string.Join(" ", parsed.Errors.Select(e => e.Message).Distinct());
            Console.Error.WriteLine($"distill: {errors.ReplaceLineEndings(" ")} See distill {verb}--help.");
            return ExitCode.BadInput;
        }

        using var interrupt = new Interrupt();
        var verbose = args.Contains("--verbose");
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interrupt.Token);
        }
        catch (Exception e)
        {
            return Fail(e, verbose, interrupt.Token.IsCancellationRequested);
        }
    }

    private static int Fail(Exception exception, bool verbose, bool interrupted)
    {
        if (verbose) Console.Error.WriteLine(exception);
        var code = ExitCode.Of(exception, interrupted, out var message);
        Console.Error.WriteLine($"distill: {message}" + (code == ExitCode.Failed && !verbose ? "; --verbose shows where" : ""));
        return code;
    }
}
