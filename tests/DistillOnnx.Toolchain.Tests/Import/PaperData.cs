namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>Finds the paper's files, which are not part of the repository; tests that need them skip where they are absent.</summary>
internal static class PaperData
{
    public static string Require(string relative)
    {
        var shared = Environment.GetEnvironmentVariable("DISTILLONNX_SHARED") ?? Beside();
        var path = shared is null ? null : Path.Combine(shared, "data", relative);
        Assert.SkipUnless(path is not null && Directory.Exists(path), $"needs the paper's files: set DISTILLONNX_SHARED to a directory with data/{relative}");
        return path!;
    }

    private static string? Beside()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "DistillOnnx.sln"))) return at.Parent is null ? null : Path.Combine(at.Parent.FullName, "shared");
        }

        return null;
    }
}
