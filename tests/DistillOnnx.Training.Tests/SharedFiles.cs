namespace DistillOnnx.Training.Tests;

/// <summary>
/// Real data and golden values that are not part of the repository: under <c>DISTILLONNX_SHARED</c>, or in a directory
/// <c>shared</c> beside the repository.
/// </summary>
internal static class SharedFiles
{
    /// <summary>A path below the shared directory; the test is skipped where it does not exist.</summary>
    public static string Require(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable("DISTILLONNX_SHARED") ?? BesideRepository();
        var path = root is null ? null : Path.Combine([root, .. parts]);
        Assert.SkipUnless(path is not null && Path.Exists(path), $"{Path.Combine(["shared", .. parts])} is not here; set DISTILLONNX_SHARED to the directory that holds it");
        return path!;
    }

    private static string? BesideRepository()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "DistillOnnx.sln"))) return Path.Combine(directory.Parent?.FullName ?? "/", "shared");
        }

        return null;
    }
}
