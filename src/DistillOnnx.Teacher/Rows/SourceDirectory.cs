using DistillOnnx.Core;

namespace DistillOnnx.Teacher.Rows;

/// <summary>Keeps the dataset that is read from being replaced by what is written.</summary>
internal static class SourceDirectory
{
    private static StringComparison Names => OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()
        ? StringComparison.OrdinalIgnoreCase
        : StringComparison.Ordinal;

    /// <summary>Checks that an output is neither the dataset that is read nor a directory that holds it, by links or otherwise.</summary>
    /// <param name="data">The dataset's directory.</param>
    /// <param name="output">The output's directory, which need not exist.</param>
    /// <exception cref="InputException">It is.</exception>
    public static void RequireApart(string data, string output)
    {
        if (!Directory.Exists(output)) return;
        var (source, target) = (Real(data), Real(output));
        if ($"{source}{Path.DirectorySeparatorChar}".StartsWith($"{target}{Path.DirectorySeparatorChar}", Names))
            throw new InputException($"--out: {output} is or holds the dataset that is read (--data {data}); choose another output");
    }

    private static string Real(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(path) is not { } parent) return path;
        return new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { } target
            ? Real(target.FullName)
            : Path.Join(Real(parent), Path.GetFileName(path));
    }
}
