using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Finds the split that each of a user's files belongs to.</summary>
internal static class TableFiles
{
    private static readonly Dictionary<string, string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        ["train"] = SplitNames.Train,
        ["training"] = SplitNames.Train,
        ["validation"] = SplitNames.Validation,
        ["valid"] = SplitNames.Validation,
        ["val"] = SplitNames.Validation,
        ["dev"] = SplitNames.Validation,
        ["test"] = SplitNames.Test,
    };

    /// <summary>Sorts paths into splits: <c>SPLIT=FILE</c>, else by a word of the file's name (<c>my_train.csv</c>); a
    /// single file without one is train.</summary>
    /// <param name="paths">Files, or directories whose files of the format count, in the order given.</param>
    /// <param name="extensions">The format's, with their dots.</param>
    /// <exception cref="InputException">A file is missing, or its split cannot be determined.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> BySplit(IReadOnlyList<string> paths, IReadOnlyList<string> extensions)
    {
        var all = paths.SelectMany(p => Expand(p, extensions)).ToList();
        var splits = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (given, file) in all)
        {
            var split = given ?? FromName(file) ?? (all.Count == 1
                ? SplitNames.Train
                : throw new InputException($"{file}: its split is unknown; write train={file}, validation=… or test=…"));
            if (!splits.TryGetValue(split, out var files)) splits.Add(split, files = []);
            if (files.Contains(file, StringComparer.Ordinal)) throw new InputException($"{file}: occurs twice in --from");
            files.Add(file);
        }

        return splits.ToDictionary(s => s.Key, s => (IReadOnlyList<string>)s.Value);
    }

    private static IEnumerable<(string? Split, string File)> Expand(string path, IReadOnlyList<string> extensions)
    {
        var at = path.IndexOf('=', StringComparison.Ordinal);
        string? split = null;
        if (at > 0 && Words.TryGetValue(path[..at], out split)) path = path[(at + 1)..];
        if (!Directory.Exists(path)) return [(split, File.Exists(path) ? path : throw new InputException($"{path}: no such file"))];
        var files = Directory.EnumerateFiles(path)
            .Where(f => extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)
            .ToList();
        if (files.Count == 0)
            throw new InputException($"{path}: expected files named {string.Join(", ", extensions.Select(e => "*" + e))}, found none");
        return files.Select(f => (split, f));
    }

    private static string? FromName(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var found = name.Split(['-', '_', '.', ' ']).Where(Words.ContainsKey).Select(w => Words[w]).Distinct().ToList();
        return found.Count > 1
            ? throw new InputException($"{file}: its name contains {string.Join(" and ", found)}; write SPLIT={file}")
            : found.FirstOrDefault();
    }
}
