using System.Diagnostics;
using System.Runtime.CompilerServices;
using DistillOnnx.Core.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>An annotation in a process of its own, which a test can kill: the test program itself, told so by its environment.</summary>
internal static class ChildProcess
{
    private const string Variable = "DISTILLONNX_TEST_ANNOTATE";

    public static Process Start(AnnotateOptions options)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(ChildProcess).Assembly.Location]);
        start.Environment[Variable] = string.Join('\n', options.Data, options.Teacher, options.Out, options.Concurrency, options.Timeout);
        return Process.Start(start)!;
    }

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return;
        var parts = text.Split('\n');
        var options = TestData.Options(parts[0], parts[1], parts[2]) with
        {
            Concurrency = int.Parse(parts[3], System.Globalization.CultureInfo.InvariantCulture),
            Timeout = double.Parse(parts[4], System.Globalization.CultureInfo.InvariantCulture),
            Retries = 30,
        };
        Annotator.RunAsync(options, Reporter.None).GetAwaiter().GetResult();
        Environment.Exit(0);
    }
}
