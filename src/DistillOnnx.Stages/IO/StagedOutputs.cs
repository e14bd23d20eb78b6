using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace DistillOnnx.Stages.IO;

/// <summary>
/// The hidden siblings under which outputs are written until they are complete. A process that ends in order removes its own; those of
/// one that was killed are removed by the next one that writes the same output on the same machine.
/// </summary>
public static partial class StagedOutputs
{
    private const string Suffix = ".partial";
    private static readonly ConcurrentDictionary<string, bool> Open = new(StringComparer.Ordinal);

    /// <summary>
    /// A message of the system with the path of an output in place of its hidden sibling's, which the user neither gave nor finds again.
    /// </summary>
    /// <param name="message">The message, for instance that no space is left on the device.</param>
    public static string NameOutputs(string message) => HiddenName().Replace(message, "${name}");

    /// <summary>Removes what this process is writing, for a process that is about to end at once.</summary>
    public static void DeleteAll() => DeleteAll("");

    /// <summary>The same for paths that begin with a text.</summary>
    internal static void DeleteAll(string start)
    {
        foreach (var path in Open.Keys.Where(p => p.StartsWith(start, StringComparison.Ordinal)))
        {
            // Another thread may still add a file to the directory while it is emptied.
            for (var attempt = 0; attempt < 3 && (File.Exists(path) || Directory.Exists(path)); attempt++) Delete(path);
        }
    }

    /// <summary>A path for an output, which is this process's until <see cref="Release"/>.</summary>
    /// <param name="target">Path of the output.</param>
    internal static string Reserve(string target)
    {
        var path = Path.Combine(
            Path.GetDirectoryName(target)!, $"{Prefix(target)}{Environment.ProcessId}-{Guid.NewGuid():N}{Suffix}");
        Open.TryAdd(path, true);
        return path;
    }

    /// <summary>Ends the care for a path.</summary>
    internal static void Release(string path) => Open.TryRemove(path, out _);

    /// <summary>Removes a path and ends the care for it.</summary>
    internal static void Discard(string path)
    {
        Delete(path);
        Release(path);
    }

    /// <summary>Removes what killed processes of this machine left of an output; the process id in its name shows that none runs.</summary>
    /// <param name="target">Path of the output.</param>
    internal static void DeleteLeftovers(string target)
    {
        var prefix = Prefix(target);
        string[] found;
        try
        {
            found = Directory.GetFileSystemEntries(Path.GetDirectoryName(target)!, prefix + "*" + Suffix);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A directory that cannot be listed may still be written to; where it is missing, writing says so.
            return;
        }

        foreach (var path in found)
        {
            var rest = Path.GetFileName(path)[prefix.Length..];
            if (int.TryParse(rest.AsSpan(0, Math.Max(0, rest.IndexOf('-'))), out var process) && !IsRunning(process)) Delete(path);
        }
    }

    /// <summary>Removes a file or directory. What cannot be removed is hidden and harmless, and no reason to fail what succeeded.</summary>
    internal static void Delete(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            else File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    [GeneratedRegex(@"(?<=^|[/\\' ])\.(?<name>[^/\\]+)\.[^/\\.]+-[0-9]+-[0-9a-f]{32}\.partial\b")]
    private static partial Regex HiddenName();

    private static string Prefix(string target) => $".{Path.GetFileName(target)}.{Environment.MachineName}-";

    private static bool IsRunning(int process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
