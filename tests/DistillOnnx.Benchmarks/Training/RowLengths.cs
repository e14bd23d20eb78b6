using System.Text.Json;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Benchmarks.Training;

/// <summary>Rows to measure on: all of one length, or as long as real ones. What tokens they have does not matter for speed.</summary>
internal static class RowLengths
{
    /// <summary>Rows of equal length.</summary>
    public static IReadOnlyList<TrainingRow> Even(int rows, int source, int target, int vocabulary)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, rows).Select(i =>
            new TrainingRow(
                $"{i}", [new TrainingSequence(Tokens(random, source, vocabulary), Tokens(random, target, vocabulary), LossPart.Label)]))];
    }

    /// <summary>The first rows of e-SNLI's validation file where it is at hand, otherwise made-up rows with its mean
    /// lengths and spreads.</summary>
    public static (IReadOnlyList<TrainingRow> Rows, string Source) Esnli(string? shared, int count, int vocabulary)
    {
        var file = shared is null ? null : Path.Combine(shared, "data", "dss", "esnli", "esnli_valid.json");
        var tokenizer = shared is null ? null : Path.Combine(shared, "data", "tokenizer");
        if (file is not null && File.Exists(file) && Directory.Exists(tokenizer))
            return (Real(file, T5Tokenizer.Load(tokenizer), count), "e-SNLI validation");

        var random = new Random(1);
        int Length(double mean, double spread) =>
            (int)Math.Clamp(mean + (spread * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2), 4, 120);
        return (
            [.. Enumerable.Range(0, count).Select(i =>
                Row(
                    $"{i}",
                    Tokens(random, Length(32, 10), vocabulary),
                    Tokens(random, 3, vocabulary),
                    Tokens(random, Length(22, 10), vocabulary)))],
            "made up, as long as e-SNLI's");
    }

    private static IReadOnlyList<TrainingRow> Real(string file, T5Tokenizer tokenizer, int count) =>
        [.. File.ReadLines(file).Take(count).Select((line, i) =>
        {
            using var json = JsonDocument.Parse(line);
            string Text(string name) => json.RootElement.GetProperty(name).GetString()!;
            string[] labels = ["entailment", "neutral", "contradiction"];
            return Row(
                $"{i}",
                tokenizer.Encode($"predict: {Text("premise")}</s>{Text("hypothesis")}", "</s>", 1024, out _),
                tokenizer.Encode(labels[json.RootElement.GetProperty("label").GetInt32()]),
                tokenizer.Encode(Text("explanation_1")));
        })];

    private static TrainingRow Row(string id, int[] source, int[] label, int[] rationale) =>
        new(id, [new TrainingSequence(source, label, LossPart.Label), new TrainingSequence(source, rationale, LossPart.Rationale)]);

    private static int[] Tokens(Random random, int count, int vocabulary) =>
        [.. Enumerable.Range(0, count - 1).Select(_ => random.Next(2, vocabulary)), 1];
}
