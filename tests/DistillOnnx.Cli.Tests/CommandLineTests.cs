using System.Diagnostics;

namespace DistillOnnx.Cli.Tests;

/// <summary>The built program, as a shell sees it.</summary>
public sealed class CommandLineTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("--help")]
    [InlineData("train", "--help")]
    [InlineData("import", "--help")]
    public async Task Help_Asked_LoadsNoNativeEngine(params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the dynamic linker's own list of loaded files is Linux's");
        var run = await Run(arguments, ("LD_DEBUG", "files"));
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Usage:", run.Output);
        // The linker writes what it opens to stderr; without that the next two lines would prove nothing.
        Assert.Contains("libcoreclr.so", run.Error);
        Assert.DoesNotContain("torch", run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("onnxruntime", run.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(new[] { "frobnicate" }, "frobnicate")]
    [InlineData(new[] { "import", "--colour", "red" }, "--colour")]
    [InlineData(new[] { "import" }, "--from is required")]
    [InlineData(new[] { "import", "dss:none", "--from", "nowhere", "--out", "never" }, "dss:none")]
    public async Task Arguments_Wrong_ExitWithTwoAndOneLineThatNamesThem(string[] arguments, string named)
    {
        var run = await Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(named, run.Error);
        Assert.DoesNotContain("   at ", run.Error);
        Assert.Empty(run.Output);
        Assert.False(Directory.Exists("never"));
    }

    private static async Task<(int ExitCode, string Output, string Error)> Run(string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "distill.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Limit);
        return (process.ExitCode, await output, await error);
    }
}
