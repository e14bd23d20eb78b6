using System.Globalization;
using System.Text.Json;

namespace DistillOnnx.Cli.Tests;

/// <summary>A dataset and the shape of a student that trains in seconds, in a directory of their own.</summary>
internal sealed class TrainingTask : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("distillonnx-run-").FullName;

    /// <param name="dropout">Share of activations dropped.</param>
    public TrainingTask(double dropout = 0.1)
    {
        Directory.CreateDirectory(this["data"]);
        File.WriteAllText(this["data/task.json"], """{"name":"things","kind":"labels","labels":["fruit","tool"],"metric":"text"}""");
        File.WriteAllText(
            this["shape.json"],
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"model_type":"t5","vocab_size":256,"d_model":32,"d_kv":16,"d_ff":64,"num_layers":1,"num_decoder_layers":1,"num_heads":2,"dropout_rate":{{dropout}}}"""));
        foreach (var (split, rows) in new[] { ("train", 49), ("validation", 8) })
        {
            File.WriteAllLines(
                this[$"data/{split}.jsonl"],
                Enumerable.Range(0, rows).Select(i => JsonSerializer.Serialize(new Dictionary<string, string>
                {
                    ["id"] = $"{split}-{i}",
                    ["input"] = $"a {(i % 2 == 0 ? "pear" : "saw")} on the table number {i}",
                    ["label"] = i % 2 == 0 ? "fruit" : "tool",
                    ["rationale"] = $"one {(i % 2 == 0 ? "eats" : "works with")} it",
                })));
        }
    }

    /// <summary>A path within the directory.</summary>
    /// <param name="name">Relative to it.</param>
    public string this[string name] => Path.Combine(_root, name);

    /// <summary>Arguments of a training run.</summary>
    /// <param name="output">Name of its checkpoint.</param>
    /// <param name="steps">Steps.</param>
    public string[] Train(string output, int steps) =>
    [
        "train", "--data", this["data"], "--student", this["shape.json"], "--out", this[output],
        "--vocabulary-size", "120", "--batch-size", "8",
        "--max-steps", steps.ToString(CultureInfo.InvariantCulture), "--device", "cpu",
    ];

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
