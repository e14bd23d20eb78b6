using System.Text.Json;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.TokenizerTraining;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

/// <summary>A task that a student of a few thousand weights can learn: which of two words an input begins with.</summary>
internal static class TinyTask
{
    private static readonly string[] Fruits = ["apple", "pear", "plum", "fig", "lemon"];
    private static readonly string[] Tools = ["saw", "drill", "hammer", "file", "rule"];

    /// <summary>Writes a dataset.</summary>
    public static string Write(TemporaryDirectory directory, int train = 48, int validation = 16)
    {
        var path = directory["data"];
        Directory.CreateDirectory(path);
        File.WriteAllText(
            Path.Combine(path, "task.json"),
            """{"name":"things","kind":"labels","labels":["fruit","tool"],"metric":"text"}""");
        var random = new Random(3);
        foreach (var (split, rows) in new[] { ("train", train), ("validation", validation) })
        {
            File.WriteAllLines(Path.Combine(path, $"{split}.jsonl"), Enumerable.Range(0, rows).Select(i =>
            {
                var fruit = random.Next(2) == 0;
                var thing = (fruit ? Fruits : Tools)[random.Next(5)];
                return JsonSerializer.Serialize(new Dictionary<string, string>
                {
                    ["id"] = $"{split}-{i}",
                    ["input"] = $"a {thing} on the {(random.Next(2) == 0 ? "table" : "floor")}",
                    ["label"] = fruit ? "fruit" : "tool",
                    ["rationale"] = $"one {(fruit ? "eats" : "works with")} a {thing}",
                    ["teacher_label"] = fruit ? "fruit" : "tool",
                });
            }));
        }

        return path;
    }

    /// <summary>Takes the rationales of all rows but the first ones of each split.</summary>
    public static void RemoveRationales(string data, int kept)
    {
        foreach (var file in Directory.EnumerateFiles(data, "*.jsonl"))
        {
            File.WriteAllLines(file, [.. File.ReadAllLines(file).Select((line, row) =>
            {
                var values = JsonSerializer.Deserialize<Dictionary<string, string>>(line)!;
                if (row >= kept) values.Remove("rationale");
                return JsonSerializer.Serialize(values);
            })]);
        }
    }

    /// <summary>Writes the shape of a student.</summary>
    public static string Shape(TemporaryDirectory directory, string activation = "relu")
    {
        var path = directory["shape.json"];
        File.WriteAllText(path, $$"""
            {
              "model_type": "t5", "vocab_size": 256, "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_decoder_layers": 1,
              "num_heads": 2, "dropout_rate": 0.1, "feed_forward_proj": "{{activation}}"
            }
            """);
        return path;
    }

    /// <summary>Options that train in well under a second.</summary>
    public static TrainOptions Options(TemporaryDirectory directory) => new()
    {
        Data = Directory.Exists(directory["data"]) ? directory["data"] : Write(directory),
        Student = Shape(directory),
        Out = directory["out"],
        VocabularySize = 120,
        MaxSteps = 12,
        BatchSize = 8,
        EvaluateEvery = 4,
        LearningRate = 3e-2,
        Device = "cpu",
        Seed = 7,
    };

    /// <summary>A tokenizer of a few pieces.</summary>
    public static T5Tokenizer Tokenizer() =>
        T5Tokenizer.FromModel(
            UnigramTrainer.Train(
                Fruits.Concat(Tools).Select(t => $"a {t} on the table"), new UnigramTrainerOptions { VocabularySize = 80 }));
}
