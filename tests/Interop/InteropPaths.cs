namespace DistillOnnx.Interop;

/// <summary>Finds what the interoperability tests need, and says what is missing.</summary>
internal static class InteropPaths
{
    /// <summary>The repository's root: the first directory upwards that holds the solution; null outside a checkout.</summary>
    public static string? RepositoryRoot { get; } = Up(AppContext.BaseDirectory);

    /// <summary>The folder of the Node program.</summary>
    public static string? TransformersJs =>
        RepositoryRoot is null ? null : Path.Combine(RepositoryRoot, "tests", "Interop", "transformersjs");

    /// <summary>The folder of the page.</summary>
    public static string? Page => RepositoryRoot is null ? null : Path.Combine(RepositoryRoot, "tests", "Interop", "browser");

    /// <summary>The bundle that <c>scripts/quickstart</c> leaves; null where it has not run.</summary>
    public static string? QuickstartBundle => Existing(RepositoryRoot, "models", "quickstart", "bundle");

    /// <summary>onnxruntime-web's built files; null where npm has not brought them.</summary>
    public static string? OnnxRuntimeWeb => Existing(TransformersJs, "node_modules", "onnxruntime-web", "dist");

    private static string? Existing(string? directory, params string[] parts)
    {
        if (directory is null) return null;
        var path = Path.Combine([directory, .. parts]);
        return Directory.Exists(path) ? path : null;
    }

    private static string? Up(string? directory)
    {
        while (directory is not null && !File.Exists(Path.Combine(directory, "DistillOnnx.sln")))
            directory = Path.GetDirectoryName(directory);
        return directory;
    }
}
