using System.Text.Json;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

/// <summary>
/// A task with a rare label: one input in three has a word that stands with every rare row, and one in three of these is rare. So a
/// student that counts rows answers with the common label always, and one that counts classes goes by the word.
/// </summary>
internal static class SkewedTask
{
    /// <summary>Options that train on it in seconds.</summary>
    public static TrainOptions Options(TemporaryDirectory directory)
    {
        var path = directory["data"];
        Directory.CreateDirectory(path);
        File.WriteAllText(
            Path.Combine(path, "task.json"),
            """{"name":"skewed","kind":"labels","labels":["common","rare"],"metric":"text"}""");
        foreach (var (split, rows) in new[] { ("train", 90), ("validation", 36) })
        {
            File.WriteAllLines(Path.Combine(path, $"{split}.jsonl"), Enumerable.Range(0, rows).Select(i => JsonSerializer.Serialize(
                new Dictionary<string, string>
                {
                    ["id"] = $"{split}-{i}",
                    ["input"] = $"a {(i % 3 == 0 ? "red" : "blue")} thing on the {(i % 2 == 0 ? "table" : "floor")}",
                    ["label"] = i % 9 == 0 ? "rare" : "common",
                })));
        }

        return TinyTask.Options(directory) with
        {
            Method = TrainingMethod.Standard,
            MaxSteps = 120,
            EvaluateEvery = 40,
            BatchSize = 30,
            Dropout = 0,
        };
    }
}
