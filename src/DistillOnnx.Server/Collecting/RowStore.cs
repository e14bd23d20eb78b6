using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Models;

namespace DistillOnnx.Server.Collecting;

/// <summary>
/// The directory of what is collected: a folder for each model, with its task and files of rows. Used by one thread at a time. What is
/// there already is not written again; what is too old goes, and the oldest where there is too much.
/// </summary>
/// <param name="directory">The directory.</param>
/// <param name="bytes">Most bytes of all files.</param>
/// <param name="retention">How long a file is kept; zero: without end.</param>
/// <param name="time">The clock.</param>
internal sealed class RowStore(string directory, long bytes, TimeSpan retention, TimeProvider time) : IDisposable
{
    private const long LargestFile = 8_000_000;

    // Of 16 bytes and some overhead each; with more, a row may be kept twice.
    private const int MostKnown = 1_000_000;

    private static readonly TimeSpan LongestOpen = TimeSpan.FromMinutes(1);

    private readonly long _fileBytes = Math.Min(LargestFile, Math.Max(1, bytes / 4));
    private readonly HashSet<UInt128> _known = [];
    private readonly Dictionary<string, RowFile> _open = new(StringComparer.Ordinal);
    private long _closedBytes;

    /// <summary>Looks at what is there.</summary>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public void Open()
    {
        Make(directory);
        foreach (var model in Directory.EnumerateDirectories(directory)) RowFile.Adopt(model);
        foreach (var file in Files()) foreach (var line in File.ReadLines(file.FullName)) Note(line);
        Tidy();
    }

    /// <summary>Makes the directory, which only its owner may read.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void Make(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Writes a row. False: it is there already.</summary>
    public bool Add(CollectedRow row)
    {
        var id = row.Id();
        var key = Key(id);
        if (_known.Contains(key)) return false;
        var line = row.Line(id);
        if (_known.Count >= MostKnown) _known.Clear();
        _known.Add(key);
        var file = Of(row);
        if (file.Length > 0 && file.Length + line.Length > _fileBytes)
        {
            Close(row.Model);
            file = Of(row);
        }

        file.Write(line);
        if (_closedBytes + _open.Values.Sum(f => f.Length) > bytes) RemoveOldest();
        return true;
    }

    /// <summary>Hands what was written to the operating system.</summary>
    public void Flush()
    {
        foreach (var file in _open.Values) file.Flush();
    }

    /// <summary>Lets files appear that were written for long enough, and removes those that are too old.</summary>
    public void Tidy()
    {
        var now = time.GetUtcNow();
        foreach (var model in _open.Where(f => now - f.Value.Opened >= LongestOpen).Select(f => f.Key).ToList()) Close(model);
        if (retention > TimeSpan.Zero)
            foreach (var file in Files().Where(f => now - RowFile.TimeOf(f.Name) > retention).ToList()) file.Delete();
        _closedBytes = Files().Sum(f => f.Length);
    }

    /// <summary>Lets every file appear.</summary>
    public void Dispose()
    {
        foreach (var model in _open.Keys.ToList()) Close(model);
    }

    private RowFile Of(CollectedRow row)
    {
        if (_open.TryGetValue(row.Model, out var file)) return file;
        var folder = Path.Combine(directory, FolderOf(row.Model));
        Directory.CreateDirectory(folder);
        row.Task.Save(Path.Combine(folder, TaskSpec.FileName));
        return _open[row.Model] = RowFile.Create(folder, time.GetUtcNow());
    }

    /// <summary>One folder below the directory, whatever the model's name.</summary>
    private static string FolderOf(string model) => ModelReference.IsName(model)
        ? model
        : "model-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model)).AsSpan(0, 16));

    private void Close(string model)
    {
        if (!_open.Remove(model, out var file)) return;
        _closedBytes += file.Length;
        file.Dispose();
    }

    private void RemoveOldest()
    {
        foreach (var file in Files().OrderBy(f => f.Name, StringComparer.Ordinal).ToList())
        {
            if (_closedBytes + _open.Values.Sum(f => f.Length) <= bytes) return;
            _closedBytes -= file.Length;
            file.Delete();
        }
    }

    private IEnumerable<FileInfo> Files() => new DirectoryInfo(directory).EnumerateDirectories()
        .SelectMany(model => model.EnumerateFiles($"{RowFile.Start}*{RowFile.End}"));

    private void Note(string line)
    {
        try
        {
            using var row = JsonDocument.Parse(line);
            if (row.RootElement.TryGetProperty("id", out var id) && id.GetString() is { Length: 32 } text) _known.Add(Key(text));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // Not a row of this program: whoever reads the directory as a dataset says so.
        }
    }

    private static UInt128 Key(string id) =>
        UInt128.Parse(id, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture);
}
