using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Data;
using DistillOnnx.Core.IO;
using DistillOnnx.Core.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// Runs the paper's comparison: every method on every share of the data with every seed. A run that is done is written down at once,
/// so an interrupted study goes on where it was, within a run too.
/// </summary>
public static class Study
{
    private const string OptionsFile = "study.json";

    private static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Makes a study.</summary>
    /// <param name="options">Which runs.</param>
    /// <param name="reporter">Hears how far it is.</param>
    /// <param name="cancellationToken">Saves the run at hand and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used.</exception>
    public static async Task<StudyResult> RunAsync(StudyOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var data = Describe(options);
        Open(options);
        var plan = Plan(options).ToList();
        var runs = new List<StudyRun>();
        for (var i = 0; i < plan.Count; i++)
        {
            var (key, training, run) = plan[i];
            var file = Path.Combine(options.Out, "runs", $"{key}.json");
            reporter.Progress("study", i, plan.Count, key);
            if (File.Exists(file))
            {
                runs.Add(Read(file));
                continue;
            }

            reporter.Info(FormattableString.Invariant($"run {i + 1} of {plan.Count}: {key}"));
            var done = await MakeAsync(options, training, run, reporter, cancellationToken);
            AtomicFile.WriteAllBytes(file, JsonSerializer.SerializeToUtf8Bytes(done, Json));
            if (!options.KeepCheckpoints) Directory.Delete(training.Out, recursive: true);
            runs.Add(done);
            Write(options, runs, data);
        }

        reporter.Progress("study", plan.Count, plan.Count);
        return new StudyResult(options.Out, runs, Write(options, runs, data));
    }

    private static async Task<StudyRun> MakeAsync(StudyOptions options, TrainOptions training, StudyRun run, IReporter reporter, CancellationToken cancellationToken)
    {
        var trained = await StudentTrainer.RunAsync(training, reporter, cancellationToken);
        var measured = await Evaluator.RunAsync(
            new EvaluateOptions { Data = training.Data, Model = training.Out, Split = options.Split, Device = options.Device, Threads = options.Threads ?? 0 }, reporter, cancellationToken);
        var report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(training.Out, "training.json"), cancellationToken))!;
        return run with
        {
            TrainRows = (int)report["data"]!["train_rows"]!,
            Parameters = (long)report["student"]!["parameters"]!,
            Rows = measured.Rows,
            Accuracy = measured.Accuracy,
            ValidationAccuracy = trained.ValidationAccuracy,
            BestStep = trained.BestStep,
            Steps = trained.Steps,
            Seconds = trained.Seconds,
            TokensPerSecond = trained.TokensPerSecond,
        };
    }

    private static IEnumerable<(string Key, TrainOptions Training, StudyRun Run)> Plan(StudyOptions options)
    {
        // Seed outermost: an unfinished study has something to say about every method.
        foreach (var seed in options.Seeds)
            foreach (var (studentName, student) in options.Students.Select(StudyNames.Parse))
                foreach (var fraction in options.Fractions)
                    foreach (var (dataName, directory) in options.Data.Select(StudyNames.Parse))
                        foreach (var method in options.Methods.Select(m => StudyMethod.Find(m)!))
                        {
                            var key = StudyNames.Safe($"{studentName}.{dataName}.{method.Name}.{fraction}.{seed}");
                            var training = new TrainOptions
                            {
                                Data = directory,
                                Student = student,
                                Out = Path.Combine(options.Out, "checkpoints", key),
                                Resume = true,
                                Method = method.Method,
                                Labels = method.Labels,
                                Alpha = options.Alpha,
                                Fraction = double.Parse(fraction, CultureInfo.InvariantCulture),
                                Tokenizer = options.Tokenizer,
                                VocabularySize = options.VocabularySize,
                                Epochs = options.Epochs,
                                MaxSteps = options.MaxSteps,
                                BatchSize = options.BatchSize,
                                LearningRate = options.LearningRate,
                                Dropout = options.Dropout,
                                EvaluateEvery = options.EvaluateEvery,
                                Seed = long.Parse(seed, CultureInfo.InvariantCulture),
                                Device = options.Device,
                                Threads = options.Threads,
                            };
                            yield return (key, training, new StudyRun { Data = dataName, Student = studentName, Method = method.Name, Fraction = training.Fraction, Seed = training.Seed });
                        }
    }

    private static IReadOnlyList<StudyData> Describe(StudyOptions options) =>
        [.. options.Data.Select(StudyNames.Parse).Select(d =>
        {
            var dataset = Dataset.Open(d.Value);
            int Count(string split) => dataset.Has(split) ? dataset.Load(split, LabelNeed.None).Count : 0;
            return new StudyData(d.Name, dataset.Task.Name, Count(SplitNames.Train), Count(SplitNames.Validation), dataset.Load(options.Split).Count, dataset.Hash(SplitNames.Train));
        })];

    private static void Open(StudyOptions options)
    {
        var stamp = Path.Combine(options.Out, OptionsFile);
        var mine = JsonSerializer.Serialize(options with { Out = "", Overwrite = false, Resume = false, Threads = null, Device = "", KeepCheckpoints = false, Seeds = [], Methods = [], Fractions = [], Data = [], Students = [] }, Json);
        if (options.Resume && File.Exists(stamp))
        {
            if (File.ReadAllText(stamp) != mine)
                throw new InputException($"{options.Out}: cannot be gone on with: its runs were made with other options ({OptionsFile}); pass the same ones, or --overwrite");
            return;
        }

        OutputDirectory.Require(options.Out, options.Overwrite);
        using (var output = OutputDirectory.Create(options.Out, options.Overwrite))
        {
            File.WriteAllText(output.FilePath(OptionsFile), mine);
            Directory.CreateDirectory(Path.Combine(output.Path, "runs"));
            Directory.CreateDirectory(Path.Combine(output.Path, "checkpoints"));
            output.Commit();
        }
    }

    private static StudyRun Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<StudyRun>(File.ReadAllBytes(file), Json) ?? throw new InputException($"{file}: expected a run, found null");
        }
        catch (JsonException e)
        {
            throw new InputException($"{file}: not a run of a study: {e.Message}; delete it to make the run again", e);
        }
    }

    private static IReadOnlyList<StudySummary> Write(StudyOptions options, IReadOnlyList<StudyRun> runs, IReadOnlyList<StudyData> data)
    {
        var summary = StudySummary.Of(runs);
        AtomicFile.WriteAllBytes(Path.Combine(options.Out, "results.csv"), Encoding.UTF8.GetBytes(StudyReport.Csv(runs)));
        var plots = StudyPlots.Draw(summary, options.Split, options.Out);
        AtomicFile.WriteAllBytes(Path.Combine(options.Out, "report.md"), Encoding.UTF8.GetBytes(StudyReport.Markdown(options, runs, summary, data, plots)));
        return summary;
    }
}
