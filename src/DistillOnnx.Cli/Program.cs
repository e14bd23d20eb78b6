using System.CommandLine;
using DistillOnnx.Cli.Verbs;
using DistillOnnx.Core;

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
            foreach (var error in parsed.Errors) Console.Error.WriteLine($"distill: {error.Message}");
            var verb = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
            Console.Error.WriteLine($"distill: see distill {verb}--help");
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
        // A task group reports its first fault wrapped; the fault is what the user needs.
        while (exception is AggregateException { InnerException: { } inner }) exception = inner;
        if (verbose) Console.Error.WriteLine(exception);
        switch (exception)
        {
            case OperationCanceledException when interrupted:
                Console.Error.WriteLine("distill: interrupted" + (exception.Message.StartsWith("The operation", StringComparison.Ordinal) ? "" : $": {exception.Message}"));
                return ExitCode.Interrupted;
            case InputException:
                Console.Error.WriteLine($"distill: {OneLine(exception.Message)}");
                return ExitCode.BadInput;
            default:
                Console.Error.WriteLine($"distill: {OneLine(exception.Message)}" + (verbose ? "" : $" ({exception.GetType().Name}; --verbose shows where)"));
                return ExitCode.Failed;
        }
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").Trim();
}
