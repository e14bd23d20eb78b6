namespace DistillOnnx.TestSupport;

/// <summary>Data that is not part of the repository: tests that need it skip where it is absent.</summary>
internal static class SharedData
{
    /// <summary>A path below the shared directory; skips the test where it does not exist.</summary>
    public static string Require(string relative)
    {
        var path = Path.Combine(Root(), relative);
        Assert.SkipUnless(
            File.Exists(path) || Directory.Exists(path),
            $"{relative} is missing from the shared data; set DISTILLONNX_SHARED to where it is");
        return path;
    }

    private static string Root()
    {
        if (Environment.GetEnvironmentVariable("DISTILLONNX_SHARED") is { Length: > 0 } set) return set;
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "DistillOnnx.sln"))) return Path.Combine(directory.FullName, "..", "shared");
        }

        return "shared";
    }
}
