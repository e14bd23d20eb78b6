using System.Text.Json;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Selection;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Benchmarks.Selection;

/// <summary>
/// Students of one set and seed at growing numbers of answers, the rows chosen by one rule: each selection asks the student before it, and
/// each student learns all rows so far from the same initial weights. A figure that is measured is kept in a file, so that a benchmark
/// that was stopped goes on.
/// </summary>
internal sealed class SelectionChain(SelectionSet set, int seed, string work, int threads, int testRows)
{
    private readonly (Dataset Dataset, IReadOnlyList<Example> Pool, IReadOnlyList<Example> Test) _data = set.Load(testRows);

    /// <summary>Accuracies after the first rows, which are the same for every rule, and after each selection.</summary>
    /// <param name="rule">How rows are chosen.</param>
    /// <param name="selections">How often.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    public async Task<IReadOnlyList<double>> RunAsync(SelectionRule rule, int selections, CancellationToken cancellationToken)
    {
        var accuracies = new List<double> { await FirstAsync(cancellationToken) };
        var (student, annotated) = (Path.Combine(Root, "first"), Path.Combine(Root, "first-data"));
        for (var i = 1; i <= selections; i++)
        {
            var name = $"{rule.ToString().ToLowerInvariant()}-{i}";
            var data = Path.Combine(Root, $"{name}-data");
            if (!Directory.Exists(data))
                await SelectAsync(rule, student, annotated, Path.Combine(Root, $"{name}-selected"), data, cancellationToken);
            accuracies.Add(await MeasureAsync(name, data, cancellationToken));
            (student, annotated) = (Path.Combine(Root, name), data);
        }

        return accuracies;
    }

    /// <summary>Accuracy of a student of all rows of the pool, and of the one that began with the first.</summary>
    /// <param name="cancellationToken">Stops between steps.</param>
    public async Task<WholePool> WholeAsync(CancellationToken cancellationToken)
    {
        var first = await FirstAsync(cancellationToken);
        var whole = await MeasureAsync("whole", Path.Combine(Root, "pool"), cancellationToken);
        return new(Chance(), first, _data.Pool.Count, whole, _data.Test.Count);
    }

    private string Root => Path.Combine(work, "runs", $"{set.Name}-{seed}");

    // What is right without reading the input: the most frequent label, or one of the row's choices.
    private double Chance() => _data.Dataset.Task.Kind == TaskKind.Choices
        ? _data.Test.Average(r => 1.0 / r.Choices!.Count)
        : (double)_data.Test.CountBy(r => r.Label!).Max(l => l.Value) / _data.Test.Count;

    private async Task<double> FirstAsync(CancellationToken cancellationToken)
    {
        var data = Path.Combine(Root, "first-data");
        if (!Directory.Exists(data))
        {
            Directory.CreateDirectory(Root);
            var rows = _data.Pool.ToArray();
            new SplitMix64(seed).Shuffle(rows.AsSpan());
            Write(data, rows.Take(set.First));
            using var pool = DatasetWriter.Create(Path.Combine(Root, "pool"), _data.Dataset.Task, overwrite: true);
            foreach (var row in _data.Pool) pool.Write(SplitNames.Train, row);
            pool.Commit();
        }

        return await MeasureAsync("first", data, cancellationToken);
    }

    private async Task SelectAsync(
        SelectionRule rule, string student, string annotated, string selected, string data, CancellationToken cancellationToken)
    {
        await SelectStage.RunAsync(
            new SelectOptions
            {
                Data = Path.Combine(Root, "pool"),
                Model = rule == SelectionRule.Random ? "" : student,
                Count = set.Step,
                Selection = new() { By = rule },
                Out = selected,
                Annotated = [annotated],
                Seed = seed,
                Overwrite = true,
                Inference = new() { Device = "cpu", Threads = threads },
            },
            Reporter.None,
            cancellationToken);
        Write(data, [.. Rows(annotated), .. Rows(selected)]);
    }

    private async Task<double> MeasureAsync(string name, string data, CancellationToken cancellationToken)
    {
        var (file, checkpoint) = (Path.Combine(Root, $"{name}.json"), Path.Combine(Root, name));
        if (File.Exists(file)) return JsonSerializer.Deserialize<double>(await File.ReadAllTextAsync(file, cancellationToken));
        await StudentTrainer.RunAsync(
            new TrainOptions
            {
                Data = data,
                Student = set.Student,
                Out = checkpoint,
                Resume = true,
                Method = TrainingMethod.Standard,
                Labels = LabelSource.Teacher,
                // One tokenizer for all students of a seed, so that nothing but the rows differs.
                Tokenizer = name == "first" ? null : Path.Combine(Root, "first"),
                VocabularySize = name == "first" ? set.Vocabulary : null,
                MaxSteps = set.Steps,
                BatchSize = 32,
                MaxInputTokens = 96,
                Dropout = 0,
                Seed = seed,
                Device = "cpu",
                Threads = threads,
            },
            Reporter.None,
            cancellationToken);
        using var predictor = PredictorFactory.Open(checkpoint, new() { Device = "cpu", Threads = threads }, Reporter.None);
        var measured = new Measurement(_data.Dataset.Task, _data.Test) { Intervals = false }.Of(predictor, cancellationToken);
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(measured.Accuracy), cancellationToken);
        return measured.Accuracy;
    }

    private static IReadOnlyList<Example> Rows(string dataset) => Dataset.Open(dataset).Load(SplitNames.Train, LabelNeed.None);

    private void Write(string directory, IEnumerable<Example> rows)
    {
        using var writer = DatasetWriter.Create(directory, _data.Dataset.Task, overwrite: true);
        foreach (var row in rows) writer.Write(SplitNames.Train, row);
        writer.Commit();
    }
}
