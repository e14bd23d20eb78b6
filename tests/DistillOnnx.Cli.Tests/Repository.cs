namespace DistillOnnx.Cli.Tests;

/// <summary>Location of the source tree.</summary>
internal static class Repository
{
    /// <summary>The directory of the solution file.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "DistillOnnx.sln"))) return directory.FullName;
        }

        throw new InvalidOperationException($"no DistillOnnx.sln above {AppContext.BaseDirectory}");
    }
}
