using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Core.Bundles;

/// <summary>
/// <c>distill.json</c>: what a bundle is, what it was made from and how well it was proven. Everything a runtime needs to
/// know besides the graphs and the tokenizer stands here.
/// </summary>
public sealed record BundleManifest
{
    /// <summary>The file's name within a bundle directory.</summary>
    public const string FileName = "distill.json";

    /// <summary>The only version of the format so far.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The name of the precision whose graphs have no suffix.</summary>
    public const string FullPrecision = "fp32";

    private const long LongestFile = 256 << 20;

    private static readonly string[] KnownPrecisions = [FullPrecision, "fp16", "int8", "q4"];

    /// <summary>Version of this file's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The program and version that wrote the bundle.</summary>
    public string Producer { get; init; } = "";

    /// <summary>
    /// What the model answers: prefix, label set, limits. Of kind <c>text</c> with empty prefixes where the checkpoint names no task.
    /// </summary>
    public required TaskSpec Task { get; init; }

    /// <summary>The checkpoint.</summary>
    public BundleSource? Source { get; init; }

    /// <summary>Whether the graphs use operators of ONNX's own domain only.</summary>
    public bool Portable { get; init; }

    /// <summary>The graphs that each precision has, and what it costs in accuracy; by name, <c>fp32</c> first where there is one.</summary>
    [JsonPropertyName("precisions")]
    public required IReadOnlyDictionary<string, BundlePrecision> PrecisionDetails { get; init; }

    /// <summary>What <c>label_model.onnx</c> holds; null where there is none (tasks of kind <c>text</c>).</summary>
    public LabelModelFacts? LabelModel { get; init; }

    /// <summary>How raw probabilities become calibrated ones; null where the bundle was made without validation rows.</summary>
    public BundleCalibration? Calibration { get; init; }

    /// <summary>Calibrated probability below which the model abstains; null: never.</summary>
    public double? AbstainBelow { get; init; }

    /// <summary>How closely the graphs follow the checkpoint; null where that was not measured.</summary>
    public BundleParity? Parity { get; init; }

    /// <summary>Length in bytes and SHA-256 of every other file, by relative path with forward slashes.</summary>
    public IReadOnlyDictionary<string, BundleFile> Files { get; init; } = new Dictionary<string, BundleFile>();

    /// <summary>Names of the precisions.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Precisions =>
        [.. PrecisionDetails.Keys.OrderBy(k => k == FullPrecision ? 0 : 1).ThenBy(k => k, StringComparer.Ordinal)];

    /// <summary>What log-probabilities are divided by; 1 where the bundle is not calibrated.</summary>
    [JsonIgnore]
    public double Temperature => Calibration?.Temperature ?? 1;

    /// <summary>Reads <c>distill.json</c>.</summary>
    /// <param name="directory">The bundle directory.</param>
    /// <exception cref="InputException">The file is missing, is not JSON, or is not a manifest of a known format.</exception>
    public static BundleManifest Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; expected a bundle's manifest");
        BundleManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(PlainFile.Read(path, LongestFile), BundleJsonContext.Instance.BundleManifest);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: not a bundle's manifest: {e.Message}", e);
        }

        if (manifest is null) throw new InputException($"{path}: expected a JSON object, found null");
        if (manifest.Format != CurrentFormat) throw new InputException($"{path}: expected format {CurrentFormat}, found {manifest.Format}");
        var faults = manifest.Validate();
        return faults.Count == 0 ? manifest : throw new InputException($"{path}: {string.Join("; ", faults)}");
    }

    /// <summary>Writes <c>distill.json</c>.</summary>
    /// <param name="directory">The bundle directory.</param>
    public void Save(string directory) =>
        File.WriteAllText(
            Path.Combine(directory, FileName), JsonSerializer.Serialize(this, BundleJsonContext.Instance.BundleManifest) + "\n");

    /// <summary>All faults of this manifest, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();

        // A file may say null where the types do not.
        if (Task is null) faults.Add("\"task\" is null");
        else faults.AddRange(Task.Validate().Select(f => "\"task\": " + f));
        if (PrecisionDetails is not { Count: > 0 }) faults.Add("\"precisions\" is empty");
        else foreach (var (name, details) in PrecisionDetails) faults.AddRange(PrecisionFaults(name, details));
        if (Calibration is { } c && !(c.Temperature > 0 && double.IsFinite(c.Temperature)))
            faults.Add($"\"temperature\" must be above 0, found {c.Temperature}");
        if (AbstainBelow is not (null or (>= 0 and <= 1))) faults.Add($"\"abstain_below\" must be between 0 and 1, found {AbstainBelow}");
        if (Parity is { Graphs: null }) faults.Add("\"parity\": \"graphs\" is null");
        if (Source is { } source)
        {
            if (source.Checkpoint is null) faults.Add("\"source\": \"checkpoint\" is null");
            faults.AddRange(FileFaults("\"source\": \"weights\"", source.Weights));
        }

        faults.AddRange(FileFaults("\"files\"", Files));
        return faults;
    }

    // The name becomes part of the paths of its graphs.
    private static IEnumerable<string> PrecisionFaults(string name, BundlePrecision? details)
    {
        if (!KnownPrecisions.Contains(name, StringComparer.Ordinal))
            yield return $"\"precisions\": expected {string.Join(", ", KnownPrecisions)}, found \"{name}\"";
        if (details is null) yield return $"\"precisions\": \"{name}\" is null";
        else if (details.Graphs is null) yield return $"\"precisions\": \"graphs\" of \"{name}\" is null";
        else if (details.Graphs.Contains(null!)) yield return $"\"precisions\": \"graphs\" of \"{name}\" has a null";
        else if (details.Graphs.FirstOrDefault(g => g.AsSpan().ContainsAny('/', '\\')) is { } graph)
            yield return $"\"precisions\": \"graphs\" of \"{name}\" leads out of the bundle: \"{graph}\"";
    }

    private static IEnumerable<string> FileFaults(string key, IReadOnlyDictionary<string, BundleFile>? files)
    {
        if (files is null) yield return $"{key} is null";
        foreach (var (name, file) in files ?? new Dictionary<string, BundleFile>())
        {
            if (Path.IsPathRooted(name) || name.Split('/', '\\').Contains("..")) yield return $"{key} leads out of the bundle: \"{name}\"";
            if (file is null) yield return $"{key}: \"{name}\" is null";
            else if (file.Sha256 is null) yield return $"{key}: \"sha256\" of \"{name}\" is null";
        }
    }

    /// <summary>Compares every file with its length and hash.</summary>
    /// <param name="directory">The bundle directory.</param>
    /// <exception cref="InputException">A file is missing or differs; the message names the first.</exception>
    public void VerifyHashes(string directory)
    {
        foreach (var name in Files.Keys) Verify(directory, name, hash: true);
    }

    /// <summary>Holds that a file of the bundle is there, and as it was written.</summary>
    /// <param name="directory">The bundle directory.</param>
    /// <param name="name">The file's path within it, with "/"; one that the manifest does not name is not looked at.</param>
    /// <param name="hash">Whether its contents are compared, and not its presence alone.</param>
    /// <exception cref="InputException">It is missing or differs.</exception>
    public void Verify(string directory, string name, bool hash)
    {
        if (!Files.TryGetValue(name, out var expected)) return;
        var path = Path.Combine(directory, name.Replace('/', Path.DirectorySeparatorChar));
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; {FileName} names it");
        if (!hash) return;
        var length = new FileInfo(path).Length;
        if (length != expected.Bytes)
            throw new InputException($"{path}: expected {expected.Bytes} bytes by {FileName}, found {length}");
        var found = BundleFile.Of(path).Sha256;
        if (found != expected.Sha256)
            throw new InputException($"{path}: expected SHA-256 {expected.Sha256} by {FileName}, found {found}");
    }

    /// <summary>Lengths and hashes of every file below a directory but the manifest, in ordinal order of their paths.</summary>
    /// <param name="directory">The bundle directory.</param>
    public static IReadOnlyDictionary<string, BundleFile> Hash(string directory)
    {
        var files = new SortedDictionary<string, BundleFile>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(directory, path).Replace('\\', '/');
            if (name != FileName) files.Add(name, BundleFile.Of(path));
        }

        return files;
    }

    /// <summary>A name for exactly these files: the first twelve digits of a hash over their hashes.</summary>
    [JsonIgnore]
    public string Version
    {
        get
        {
            var text = string.Join('\n', Files.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key} {f.Value.Sha256}"));
            return Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..12];
        }
    }
}
