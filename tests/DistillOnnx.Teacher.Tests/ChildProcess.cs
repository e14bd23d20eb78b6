using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using DistillOnnx.Stages.Reporting;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

/// <summary>An annotation in a process of its own, which can be killed and measured: this program, selected by its
/// environment.</summary>
internal static partial class ChildProcess
{
    private const string Variable = "DISTILLONNX_CHILD_ANNOTATE";

    public static Process Start(AnnotateOptions options)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(ChildProcess).Assembly.Location]);
        start.Environment[Variable] = JsonSerializer.Serialize(options);
        return Process.Start(start)!;
    }

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return;
        var options = JsonSerializer.Deserialize<AnnotateOptions>(text)!;
        IChatClient? teacher = null;
        Choose(options, ref teacher);
        Annotator.RunAsync(options, teacher, TimeProvider.System, Reporter.None).GetAwaiter().GetResult();
        Environment.Exit(0);
    }

    // A program that references more projects than this one may bring a teacher of theirs.
    static partial void Choose(AnnotateOptions options, ref IChatClient? teacher);
}
