namespace DistillOnnx.Core.Native;

/// <summary>
/// The libtorch that a program without one of its own uses: the <c>lib</c> folder of an installed PyTorch. It stands here because
/// two projects load from it: training loads libtorch, and inference on a GPU the CUDA libraries that PyTorch keeps beside it.
/// </summary>
public static class LibTorchFolder
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "DISTILLONNX_LIBTORCH";

    private static string? _path;

    /// <summary>
    /// The folder, absolute; null where none is named. What is set here is stronger than <see cref="Variable"/>, and has to be set
    /// before the first use of libtorch or ONNX Runtime.
    /// </summary>
    public static string? Path
    {
        get => _path ?? (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? System.IO.Path.GetFullPath(named) : null);
        set => _path = value is null ? null : System.IO.Path.GetFullPath(value);
    }

    /// <summary>
    /// Where the libraries of a PyTorch lie: its own <c>lib</c> folder, and those of the <c>nvidia</c> packages that are installed
    /// beside it.
    /// </summary>
    /// <param name="folder">The <c>lib</c> folder.</param>
    internal static IReadOnlyList<string> Libraries(string folder)
    {
        var nvidia = System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, "..", "..", "nvidia"));
        if (!Directory.Exists(nvidia)) return [folder];
        var packages = Directory.GetDirectories(nvidia).Select(d => System.IO.Path.Combine(d, "lib")).Where(Directory.Exists);
        return [folder, .. packages.Order(StringComparer.Ordinal)];
    }
}
