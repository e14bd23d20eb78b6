using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>The quickstart's dataset: questions of the generated world with gold labels, without reasons.</summary>
internal static class QuickstartDataset
{
    private const string Source = "quickstart";

    // One condition or two: enough to reason about, and learnt in minutes.
    private static readonly int[] Depths = [1, 2];

    /// <summary>Whether a directory is a dataset that <see cref="Generate"/> wrote.</summary>
    /// <param name="directory">The directory; need not exist.</param>
    public static bool IsOne(string directory)
    {
        var file = Path.Combine(directory, DatasetWriter.InfoFileName);
        try
        {
            return File.Exists(file)
                && JsonNode.Parse(File.ReadAllBytes(file)) is JsonObject info
                && info["source"] is JsonValue source
                && source.TryGetValue<string>(out var text)
                && text == Source;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Writes the dataset.</summary>
    /// <param name="directory">Path of the output.</param>
    /// <param name="rows">Training rows.</param>
    /// <param name="seed">Equal seeds give equal rows.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <exception cref="InputException">The number of rows is out of range, or the output exists or cannot be written.</exception>
    public static void Generate(string directory, int rows, long seed, bool overwrite = false) =>
        WorldDataset.Generate(directory, Depths, rows, seed, explained: false, Source, overwrite);
}
