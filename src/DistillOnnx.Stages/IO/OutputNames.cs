namespace DistillOnnx.Stages.IO;

/// <summary>The names of what stages write: a directory that holds anything else is not replaced by an output.</summary>
internal static class OutputNames
{
    private static readonly HashSet<string> Files = new(StringComparer.Ordinal)
    {
        "results.csv", "report.md", "study.lock", "spiece.model", "pytorch_model.bin", ".DS_Store", ".gitignore",
    };

    private static readonly HashSet<string> Extensions = new(StringComparer.Ordinal)
    {
        ".json", ".jsonl", ".safetensors", ".png",
    };

    private static readonly HashSet<string> Directories = new(StringComparer.Ordinal)
    {
        "onnx", "resume", "runs", "checkpoints", "tokenizer", "world",
    };

    /// <summary>The first entry of a directory that no output has.</summary>
    /// <param name="directory">The directory; need not exist.</param>
    /// <param name="report">A page in it that is written anew; null: none.</param>
    /// <returns>Its name; null where there is none.</returns>
    public static string? Foreign(string directory, string? report = null)
    {
        if (!Directory.Exists(directory)) return null;
        var page = string.IsNullOrEmpty(report) ? null : Path.GetFullPath(report);
        return new DirectoryInfo(directory).EnumerateFileSystemInfos().Where(e => !IsKnown(e) && e.FullName != page)
            .Select(e => e.Name).Order(StringComparer.Ordinal).FirstOrDefault();
    }

    private static bool IsKnown(FileSystemInfo entry) => entry is DirectoryInfo
        ? Directories.Contains(entry.Name)
        : Files.Contains(entry.Name) || Extensions.Contains(entry.Extension);
}
