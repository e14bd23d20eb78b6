using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Improvement;

namespace DistillOnnx.Benchmarks.Improvement;

/// <summary>Rounds in a process of their own, which can be killed: this program, selected by its environment.</summary>
internal static class ImproveProcess
{
    private const string Variable = "DISTILLONNX_CHILD_IMPROVE";

    public static Process Start(ImproveOptions options)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(ImproveProcess).Assembly.Location]);
        start.Environment[Variable] = JsonSerializer.Serialize(options);
        return Process.Start(start)!;
    }

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return;
        try
        {
            ImproveStage.RunAsync(JsonSerializer.Deserialize<ImproveOptions>(text)!, Reporter.None).GetAwaiter().GetResult();
            Environment.Exit(0);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            Environment.Exit(1);
        }
    }
}
