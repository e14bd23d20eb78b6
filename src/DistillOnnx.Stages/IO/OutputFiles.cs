namespace DistillOnnx.Stages.IO;

/// <summary>Checks the single files that a stage writes: pages and predictions.</summary>
public static class OutputFiles
{
    // The names under which datasets, bundles and selections keep rows that are read. Other JSON Lines files beside them are answers.
    private static readonly HashSet<string> Rows = new(StringComparer.OrdinalIgnoreCase)
    {
        "train.jsonl", "validation.jsonl", "test.jsonl", "golden.jsonl", "selection.jsonl",
    };

    private static readonly HashSet<string> Outputs = new(StringComparer.OrdinalIgnoreCase) { ".html", ".htm", ".jsonl" };

    /// <summary>What is wrong with a path for an output; null: nothing.</summary>
    /// <param name="file">The path; null: no file is written.</param>
    /// <param name="overwrite">Whether an existing file may be replaced; one that is read never is.</param>
    /// <param name="inputs">Files and directories that are read.</param>
    public static string? Fault(string? file, bool overwrite, params IEnumerable<string?> inputs)
    {
        if (file is null) return null;
        if (Directory.Exists(file)) return $"{file}: expected a file for the output, found a directory";
        if (!File.Exists(file)) return null;
        if (inputs.FirstOrDefault(i => !string.IsNullOrEmpty(i) && Replaces(file, i)) is { } input)
            return $"{file}: is read as well ({input}); choose another file";
        return overwrite ? null : $"{file}: exists already; choose another file or pass --overwrite";
    }

    /// <summary>What is wrong with two outputs of one run; null: nothing.</summary>
    /// <param name="option">The option of the first.</param>
    /// <param name="file">Its path; null: it is not written.</param>
    /// <param name="otherOption">The option of the second.</param>
    /// <param name="other">Its path; null: it is not written.</param>
    public static string? SameFault(string option, string? file, string otherOption, string? other)
    {
        if (string.IsNullOrEmpty(file) || string.IsNullOrEmpty(other)) return null;
        var (first, second) = (OutputDirectory.Resolved(file), OutputDirectory.Resolved(other));
        return OutputDirectory.Lies(first, second) ? $"{option} and {otherOption} are one file ({file}); choose two" : null;
    }

    private static bool Replaces(string file, string input)
    {
        if (OutputDirectory.IsOrHolds(file, input)) return true;
        if (!Directory.Exists(input)) return false;
        var directory = OutputDirectory.Resolved(input);

        // A link in the directory would be replaced itself, so it counts where it is as well as where it leads.
        var parent = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var place = Path.Join(OutputDirectory.Resolved(parent), Path.GetFileName(file));
        var within = OutputDirectory.Lies(place, directory) || OutputDirectory.Lies(OutputDirectory.Resolved(file), directory);
        return within ? !IsOutput(file) : LinkedFrom(directory, file);
    }

    private static bool IsOutput(string file) => new[] { file, OutputDirectory.Resolved(file) }
        .All(f => Outputs.Contains(Path.GetExtension(f)) && !Rows.Contains(Path.GetFileName(f)));

    // Files of a dataset or checkpoint are often links to one store.
    private static bool LinkedFrom(string directory, string file)
    {
        try
        {
            return new DirectoryInfo(directory).EnumerateFiles().Any(f => f.LinkTarget is not null
                && OutputDirectory.IsOrHolds(file, f.FullName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever reads the directory says what is wrong with it.
            return false;
        }
    }
}
