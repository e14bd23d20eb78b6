using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Toolchain.Scenes;

namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>
/// Generates a dataset of our own for the quickstart: scenes with a question each, gold labels, no rationales. Every
/// question can be answered only by comparing it with its scene, except the few about what no scene states; the three
/// labels come equally often, so guessing is right in a third of the cases. No input occurs twice, in whichever split.
/// </summary>
internal static class QuickstartDataset
{
    /// <summary>Rows of the validation split.</summary>
    public const int ValidationRows = 400;

    /// <summary>Rows of the test split.</summary>
    public const int TestRows = 1000;

    /// <summary>Most training rows that can be asked for: far below the number of different inputs.</summary>
    public const int MaxRows = 100_000;

    private const string Source = "quickstart";

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
    public static void Generate(string directory, int rows, long seed, bool overwrite = false)
    {
        if (rows is < 1 or > MaxRows) throw new InputException($"rows: expected 1 to {MaxRows}, found {rows}");
        using var writer = DatasetWriter.Create(directory, SceneRules.Task, overwrite, LabelNeed.Gold);
        var generator = new SceneGenerator(seed);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        (string, int)[] splits =
        [
            (SplitNames.Train, rows), (SplitNames.Validation, ValidationRows), (SplitNames.Test, TestRows),
        ];
        foreach (var (split, count) in splits)
        {
            for (var i = 0; i < count;)
            {
                var (input, label) = generator.Next(i % SceneGenerator.Labels);
                if (!seen.Add(input)) continue;
                writer.Write(split, new Example { Id = $"{split}-{i}", Input = input, Label = label });
                i++;
            }
        }

        writer.Info["source"] = Source;
        writer.Info["seed"] = seed;
        writer.Commit();
    }
}
