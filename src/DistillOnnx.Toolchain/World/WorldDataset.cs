using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.World;

/// <summary>
/// Generates a dataset of our own: texts with a question each, gold labels, and the teacher's labels and rationales. The three labels
/// come equally often, so guessing is right in a third of the cases; no input occurs twice, in whichever split; the combinations that
/// validation and test ask about do not occur in training (see <see cref="WorldGenerator"/>).
/// </summary>
internal static class WorldDataset
{
    /// <summary>Rows of the validation split.</summary>
    public const int ValidationRows = 400;

    /// <summary>Rows of the test split.</summary>
    public const int TestRows = 1000;

    /// <summary>Most training rows that can be asked for: far below the number of different inputs.</summary>
    public const int MaxRows = 100_000;

    private const string Source = "world";

    /// <summary>Writes the dataset.</summary>
    /// <param name="directory">Path of the output.</param>
    /// <param name="depths">Steps of reasoning that its questions take, each 1 to <see cref="WorldGenerator.MaxDepth"/>; several take
    /// turns.</param>
    /// <param name="rows">Training rows.</param>
    /// <param name="seed">Equal seeds give equal rows.</param>
    /// <param name="explained">Whether rows have the teacher's labels and rationales, or gold labels alone.</param>
    /// <param name="source">What the dataset says it is from.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <exception cref="InputException">The number of rows is out of range, or the output exists or cannot be written.</exception>
    public static void Generate(
        string directory, IReadOnlyList<int> depths, int rows, long seed, bool explained = true, string source = Source,
        bool overwrite = false)
    {
        if (rows is < 1 or > MaxRows) throw new InputException($"rows: expected 1 to {MaxRows}, found {rows}");
        using var writer = DatasetWriter.Create(directory, WorldRules.Task, overwrite, LabelNeed.Gold);
        WorldGenerator[] generators = [.. depths.Select(d => new WorldGenerator(d, unchecked((seed * 1_000_003) + d)))];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        (string, int)[] splits =
        [
            (SplitNames.Train, rows), (SplitNames.Validation, ValidationRows), (SplitNames.Test, TestRows),
        ];
        foreach (var (split, count) in splits)
        {
            for (var i = 0; i < count;)
            {
                var label = i % WorldGenerator.Labels;
                var turn = i / WorldGenerator.Labels % depths.Count;
                var input = generators[turn].Next(label, heldOut: split != SplitNames.Train);
                if (!seen.Add(input)) continue;
                var answer = WorldRules.Answer(input) is { } known && known.Label == WorldRules.Task.Labels![label]
                    ? known
                    : throw new InvalidOperationException($"the rules do not answer as the generator means: {input}");
                writer.Write(
                    split,
                    new Example
                    {
                        Id = $"{split}-{depths[turn]}-{i}",
                        Input = input,
                        Label = answer.Label,
                        TeacherLabel = explained ? answer.Label : null,
                        Rationale = explained ? answer.Rationale : null,
                    });
                i++;
            }
        }

        writer.Info["source"] = source;
        writer.Info["depths"] = new JsonArray([.. depths.Select(d => (JsonNode)d)]);
        writer.Info["seed"] = seed;
        writer.Commit();
    }
}
