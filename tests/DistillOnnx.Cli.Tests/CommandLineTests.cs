namespace DistillOnnx.Cli.Tests;

/// <summary>The built program, as a shell sees it.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("train", "--help")]
    [InlineData("import", "--help")]
    public async Task Help_Asked_LoadsNoNativeEngine(params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the dynamic linker's own list of loaded files is Linux's");
        var run = await DistillProcess.Run(arguments, ("LD_DEBUG", "files"));
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
        var run = await DistillProcess.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(named, run.Error);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
        Assert.Empty(run.Output);
        Assert.False(Directory.Exists("never"));
    }
}
