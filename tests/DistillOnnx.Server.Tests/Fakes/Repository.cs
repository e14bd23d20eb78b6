namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>The repository that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string directory) =>
        File.Exists(Path.Combine(directory, "DistillOnnx.sln")) ? directory : Find(Path.GetDirectoryName(directory)!);
}
