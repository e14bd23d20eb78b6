using System.Diagnostics;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Tests.Fixtures;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests.Devices;

/// <summary>A program that labels a text neither talks to another machine nor leaves an identity on disk.</summary>
public sealed class OnnxRuntimeTelemetryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // ONNX Runtime looks its host up some three seconds after it was first used.
    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(6);

    [Fact]
    public async Task Label_InAProcessOfItsOwn_ConnectsToNobodyAndWritesNoIdentity()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux: the process is watched with strace");
        var strace = new[] { "/usr/bin/strace", "/bin/strace" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(strace is null, "needs strace");
        using var home = new TemporaryDirectory();
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask, Export.GraphSet.Label);
        var trace = home["trace"];
        var start =
            new ProcessStartInfo(strace!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
            [
                "-f", "-qq", "-e", "trace=connect,sendto,sendmmsg", "-o", trace, "dotnet",
                Path.Combine(AppContext.BaseDirectory, "DistillOnnx.Edge.dll"), bundle.Directory,
            ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["HOME"] = home["home"];
        start.Environment.Remove(OnnxRuntimeTelemetry.Variable);
        start.Environment.Remove("XDG_CACHE_HOME");
        start.Environment["DOTNET_NOLOGO"] = "1";
        Directory.CreateDirectory(home["home"]);
        using var process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteLineAsync("it is");
            await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
            var answer = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(Patience, TestContext.Current.CancellationToken);
            Assert.SkipWhen(
                answer is null
                && (await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken))
                .Contains("ptrace", StringComparison.Ordinal),
                "needs the right to trace a process");
            Assert.False(string.IsNullOrEmpty(answer));
            await Task.Delay(Watch, TestContext.Current.CancellationToken);
            process.StandardInput.Close();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken)
                .WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        Assert.DoesNotContain(
            File.ReadLines(trace),
            line => line.Contains("AF_INET", StringComparison.Ordinal) && !line.Contains("127.0.0.1", StringComparison.Ordinal));
        Assert.DoesNotContain(
            Directory.EnumerateFileSystemEntries(home["home"], "*", SearchOption.AllDirectories),
            p => p.Contains("Microsoft", StringComparison.Ordinal));
    }
}
