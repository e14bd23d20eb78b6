using System.Globalization;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Turns a value of a label column into a label of the task: positions, names of the file's own, a user's
/// map, spelling.</summary>
internal sealed class LabelReader
{
    private readonly TaskSpec _task;
    private readonly bool _index, _ignoreCase;
    private readonly Dictionary<string, string?> _map;
    private readonly HashSet<string> _unused;
    private readonly string? _mapFile;

    /// <summary>Prepares the reading.</summary>
    /// <param name="task">Knows the closed set.</param>
    /// <param name="options">Map, positions, spelling.</param>
    /// <exception cref="InputException">The map cannot be read or names a label that the task does not have.</exception>
    public LabelReader(TaskSpec task, ImportOptions options)
    {
        (_task, _index, _ignoreCase, _mapFile) = (task, options.LabelIndex, options.IgnoreCase, options.LabelMap);
        _map = Load(options.LabelMap, options.IgnoreCase);
        _unused = new HashSet<string>(_map.Keys, _map.Comparer);
        foreach (var (from, to) in _map)
        {
            if (to is not null && task.Labels is { } labels && !labels.Contains(to, StringComparer.Ordinal))
                throw new InputException(
                    $"{options.LabelMap}: \"{InputText.Show(from)}\": expected one of the task's labels "
                    + $"({InputText.ShowExactly(string.Join(", ", labels))}) or null, found \"{InputText.ShowExactly(to)}\"");
        }

        if (_ignoreCase && task.Labels?.GroupBy(l => l, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } alike)
            throw new InputException($"--ignore-case: the task has the labels {string.Join(" and ", alike)}, which differ by case alone");
    }

    /// <summary>Entries of the map that no row had, as one line; null where all were of use.</summary>
    public string? Unused =>
        _unused.Count == 0
            ? null
            : $"{_mapFile}: no row has {string.Join(", ", _unused.Order(StringComparer.Ordinal).Select(u => $"\"{InputText.Show(u)}\""))}";

    /// <summary>The label, or null where the cell holds none.</summary>
    /// <param name="text">The cell.</param>
    /// <param name="choices">The row's own closed set, or null.</param>
    /// <param name="names">The names that the file's metadata gives the column's positions, or null.</param>
    /// <param name="fault">Why the cell cannot be used.</param>
    public string? Read(string? text, IReadOnlyList<string>? choices, IReadOnlyList<string>? names, out string? fault)
    {
        fault = null;
        if (text?.Trim() is not { Length: > 0 } label) return null;
        var number = long.TryParse(label, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var position);
        if (_index || (names is not null && number))
        {
            var set = _index ? choices ?? _task.Labels ?? [] : names!;
            if (number && position == -1) return null;
            if (!number || position < 0 || position >= set.Count)
            {
                fault = set.Count == 0
                    ? "positions need a closed set, and the task's answers are open text"
                    : $"expected 0 to {set.Count - 1}, or -1 for none, found \"{InputText.Show(label)}\"";
                return null;
            }

            label = set[(int)position];
        }

        if (_map.TryGetValue(label, out var mapped))
        {
            _unused.Remove(label);
            return mapped;
        }

        return _ignoreCase
            && (choices ?? _task.Labels)?.FirstOrDefault(l => l.Equals(label, StringComparison.OrdinalIgnoreCase)) is { } same
            ? same
            : label;
    }

    private static Dictionary<string, string?> Load(string? file, bool ignoreCase)
    {
        var map = new Dictionary<string, string?>(ignoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        if (file is null) return map;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{file}: expected a JSON object from values of the column to labels");
            foreach (var entry in document.RootElement.EnumerateObject())
            {
                if (entry.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                    throw new InputException(
                        $"{file}: \"{InputText.Show(entry.Name)}\": expected a label or null, found "
                        + InputText.Show(entry.Value.GetRawText()));
                if (!map.TryAdd(entry.Name.Trim(), entry.Value.GetString()))
                    throw new InputException($"{file}: \"{InputText.Show(entry.Name)}\" occurs twice");
            }
        }
        catch (JsonException e)
        {
            throw new InputException($"{file}: not JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }

        return map;
    }
}
