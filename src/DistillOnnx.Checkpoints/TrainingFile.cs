using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary><c>training.json</c>, which training writes beside the weights: its name, and whether the run that wrote it is done.</summary>
public static class TrainingFile
{
    /// <summary>The file's name within a checkpoint.</summary>
    public const string Name = "training.json";

    /// <summary>The status of a run that is not done, also after an interruption.</summary>
    public const string Running = "running";

    /// <summary>The status of a run that is done.</summary>
    public const string Finished = "finished";

    private const long Longest = 64 << 20;

    /// <summary>
    /// Whether a directory holds the weights of a run that is not done. A file that is missing or cannot be read says no.
    /// </summary>
    /// <param name="directory">The checkpoint.</param>
    public static bool IsRunning(string directory)
    {
        var file = Path.Combine(directory, Name);
        if (!File.Exists(file)) return false;
        try
        {
            using var json = JsonDocument.Parse(PlainFile.Read(file, Longest));
            return json.RootElement.TryGetProperty("status", out var status) && status.ValueEquals(Running);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or InputException)
        {
            return false;
        }
    }
}
