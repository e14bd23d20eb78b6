using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// Runs the paper's comparison: every method on every share of the data with every seed. A run that is done is written down at once,
/// so an interrupted study resumes where it stopped, within a run too.
/// </summary>
public static class Study
{
    /// <summary>Makes a study.</summary>
    /// <param name="options">Which runs.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Saves the run at hand and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used.</exception>
    public static async Task<StudyResult> RunAsync(StudyOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        IReadOnlyList<StudyData> data =
            [.. options.Data.Select(StudyNames.Parse).Select(d => StudyData.Read(d.Name, d.Value, options.Split))];
        StudyChecks.Names("data", "datasets", "NAME=DIR", [.. data.Select(d => d.Name), .. StudyWorld.Names(options)]);
        StudyChecks.Measured(options, reporter);
        using var held = Open(options, data, reporter);

        // One that was deleted is made again; an edited one is not what the runs so far were made from.
        StudyWorld.Generate(options, options.Out);
        StudyStamp.RequireInputs(options, StudyInputs.OfWorld(options, options.Out));
        data = [.. data, .. StudyWorld.Read(options, options.Out)];
        StudyChecks.AllRuns(options, data);
        var untrained = await Task.Run(() => Untrained(options, data, reporter, cancellationToken), cancellationToken);
        var tokenizer = await Task.Run(() => StudyTokenizer.Prepare(options, data, reporter, cancellationToken), cancellationToken);
        var plan = StudyPlan.Of(options, data, tokenizer).ToList();
        var groups = data.Where(d => d.Group is not null).ToDictionary(d => d.Directory, d => d.Group!);
        var made = new StudyRun?[plan.Count];
        var gate = new Lock();
        StudyResult WriteDown()
        {
            lock (gate) return Write(options, made, untrained, data, tokenizer);
        }

        var progress = new StudyProgress(reporter, plan.Count, options.Jobs > 1);
        async ValueTask MakeOneAsync(int place, CancellationToken stop)
        {
            var (key, training, run) = plan[place];
            var file = RunFile(options, key);
            var own = progress.Begin(key);
            reporter.Info(FormattableString.Invariant($"run {place + 1} of {plan.Count}: {key}"));
            var done = await MakeAsync(options, training, run, groups.GetValueOrDefault(training.Data), own, stop);
            Save(file, done);
            if (!options.KeepCheckpoints) Directory.Delete(training.Out, recursive: true);
            lock (gate) made[place] = done;
            WriteDown();
            progress.End(key);
        }

        for (var i = 0; i < plan.Count; i++)
        {
            made[i] = Read<StudyRun>(RunFile(options, plan[i].Key));
            if (made[i] is not null) progress.End(plan[i].Key);
        }

        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, plan.Count).Where(i => made[i] is null).ToArray(),
                new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = cancellationToken }, MakeOneAsync);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            var done = made.Count(r => r is not null);
            reporter.Info(FormattableString.Invariant(
                $"{options.Out}: {done} of {plan.Count} runs are done; --resume goes on with the others"));
            throw;
        }

        return WriteDown();
    }

    private static async Task<StudyRun> MakeAsync(
        StudyOptions options, TrainOptions training, StudyRun run, Func<Example, string>? group, IReporter reporter,
        CancellationToken cancellationToken)
    {
        var parts = new Dictionary<string, StudyPart>(StringComparer.Ordinal);
        void Count(Example row, bool right)
        {
            if (group?.Invoke(row) is not { } name) return;
            var part = parts.GetValueOrDefault(name, new StudyPart(0, 0));
            parts[name] = new StudyPart(part.Right + (right ? 1 : 0), part.Rows + 1);
        }

        var trained = await StudentTrainer.RunAsync(training, reporter, cancellationToken);
        var measured = await Task.Run(() => Measure(options, training, Count, reporter, cancellationToken), cancellationToken);
        var report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(training.Out, TrainingFile.Name), cancellationToken))!;
        return run with
        {
            TrainRows = (int)report["data"]!["train_rows"]!,
            Parameters = (long)report["student"]!["parameters"]!,
            Rows = measured.Rows,
            Accuracy = measured.Accuracy,
            Parts = parts.Count == 0 ? null : parts,
            Tokens = (long)report["tokens"]!,
            Converged = trained.Steps < (int)report["options"]!["max_steps"]!,
            ValidationAccuracy = trained.ValidationAccuracy,
            BestStep = trained.BestStep,
            Steps = trained.Steps,
            Seconds = trained.Seconds,
            TokensPerSecond = trained.TokensPerSecond,
        };
    }

    private static EvaluateResult Measure(
        StudyOptions options, TrainOptions training, Action<Example, bool> count, IReporter reporter, CancellationToken cancellationToken)
    {
        var dataset = Dataset.Open(training.Data);
        var inference = new InferenceOptions { Device = options.Device, Threads = training.Threads ?? 0 };
        using var predictor = PredictorFactory.Open(training.Out, inference, reporter);
        return new Measurement(dataset.Task, dataset.Load(options.Split))
        {
            Reporter = reporter,
            Intervals = false,
            Answered = (row, answer, _) => count(row, Accuracy.IsCorrect(dataset.Task.Metric, answer.Label, row.Label!)),
        }.Of(predictor, cancellationToken);
    }

    /// <summary>Students that begin from a checkpoint, before any training, on closed sets: an open answer would have
    /// to be decoded out of noise.</summary>
    private static List<StudyBaseline> Untrained(
        StudyOptions options, IReadOnlyList<StudyData> data, IReporter reporter, CancellationToken cancellationToken)
    {
        var baselines = new List<StudyBaseline>();
        foreach (var (name, checkpoint) in options.Students.Select(StudyNames.Parse).Where(s => Directory.Exists(s.Value)))
        {
            foreach (var set in data.DistinctBy(d => d.LabelHash))
            {
                var dataset = Dataset.Open(set.Directory);
                if (dataset.Task.Kind == TaskKind.Text) continue;
                var file = RunFile(options, StudyNames.Safe($"{name}.{set.Name}{StudyChecks.Untrained}"));
                var baseline = Read<StudyBaseline>(file);
                if (baseline is null)
                {
                    reporter.Info($"{name} on {set.Name} before any training");
                    using var predictor = StudentPredictor.OpenUntrained(
                        checkpoint, dataset.Task, options.Tokenizer, options.Device, options.Threads, reporter);
                    var measured = new Measurement(dataset.Task, dataset.Load(options.Split))
                    {
                        Reporter = reporter,
                        Intervals = false,
                    }.Of(predictor, cancellationToken);
                    baseline = new StudyBaseline(name, set.Name, measured.Rows, measured.Accuracy);
                    Save(file, baseline);
                }

                baselines.Add(baseline);
            }
        }

        return baselines;
    }

    /// <summary>Checks everything that can be checked before a run, and then makes the study's directory or goes on with it.</summary>
    private static IDisposable Open(StudyOptions options, IReadOnlyList<StudyData> data, IReporter reporter)
    {
        StudyChecks.Names("students", "students", "NAME=STUDENT", options.Students.Select(s => StudyNames.Parse(s).Name));
        foreach (var student in options.Students.Select(StudyNames.Parse)) StudentTrainer.RequireStudent(student.Value, "--students");
        if (options.Tokenizer is { } tokenizer) T5Tokenizer.Load(tokenizer);
        var inputs = StudyInputs.Of(options);
        if (StudyStamp.Exists(options.Out))
        {
            if (!options.Resume && !options.Overwrite)
                throw new InputException(
                    $"{options.Out}: holds a study already; --resume goes on with it and keeps runs that are done, --overwrite begins "
                    + "anew");
            if (options.Resume)
            {
                StudyChecks.Runs(options, data);
                StudyStamp.RequireSame(options, inputs);
                return Hold(options);
            }

            // What another process works on is not replaced.
            Hold(options).Dispose();
        }

        if (options.Resume)
        {
            if (Directory.Exists(options.Out) && Directory.EnumerateFileSystemEntries(options.Out).Any())
                throw new InputException($"{options.Out}: holds no study that --resume could go on with, and is not empty");
            reporter.Info($"{options.Out}: holds no study yet; a new one begins");
        }

        OutputDirectory.Require(
            options.Out, options.Overwrite,
            [options.Tokenizer, .. options.Data.Concat(options.Students).Select(v => StudyNames.Parse(v).Value)]);
        using (var output = OutputDirectory.Create(options.Out, options.Overwrite))
        {
            // What stands there is replaced once nothing is left that could be refused.
            StudyWorld.Generate(options, output.Path);
            StudyChecks.Runs(options, [.. data, .. StudyWorld.Read(options, output.Path)]);
            StudyStamp.Write(options, inputs, output.Path);
            Directory.CreateDirectory(Path.Combine(output.Path, StudyChecks.RunsDirectory));
            Directory.CreateDirectory(Path.Combine(output.Path, "checkpoints"));
            output.Commit();
        }

        return Hold(options);
    }

    private static IDisposable Hold(StudyOptions options) => DirectoryLock.Hold(Path.Combine(options.Out, "study.lock"));

    private static string RunFile(StudyOptions options, string key) => Path.Combine(options.Out, StudyChecks.RunsDirectory, $"{key}.json");

    private static void Save<T>(string file, T value) =>
        AtomicFile.WriteAllBytes(file, JsonSerializer.SerializeToUtf8Bytes(value, StudyJson.Options));

    private static T? Read<T>(string file)
        where T : class
    {
        if (!File.Exists(file)) return null;
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(file), StudyJson.Options)
                ?? throw new InputException($"{file}: expected a run, found null");
        }
        catch (JsonException e)
        {
            throw new InputException($"{file}: not a run of a study, or only a part of one; delete it to make the run again", e);
        }
    }

    private static StudyResult Write(
        StudyOptions options,
        IReadOnlyList<StudyRun?> made,
        IReadOnlyList<StudyBaseline> untrained,
        IReadOnlyList<StudyData> data,
        string? tokenizer)
    {
        StudyRun[] runs = [.. made.OfType<StudyRun>().SelectMany(r => r.Rowwise())];

        // Where a method that reads no rationales ran in a dataset's place.
        var stand = data.ToDictionary(d => d.Name, d => data.First(o => o.LabelHash == d.LabelHash).Name);
        var summary = StudySummary.Of(runs);
        double[] accuracies = [.. options.Accuracies.Select(a => double.Parse(a, CultureInfo.InvariantCulture))];
        var teachers = data.Where(d => d.TeacherAccuracy is not null).ToDictionary(d => d.Name, d => d.TeacherAccuracy!.Value);
        var result = new StudyResult(
            options.Out, runs, summary, StudyDifference.Of(runs, options.Methods[0], stand),
            StudyRatio.Of(runs, options.Methods[0], stand, accuracies), SmallestStudent.Of(runs, teachers), untrained, tokenizer)
        {
            RunsMade = made.Count(r => r is not null),
            RunsPlanned = made.Count,
        };
        AtomicFile.WriteAllBytes(Path.Combine(options.Out, "results.csv"), Encoding.UTF8.GetBytes(StudyReport.Csv(runs)));
        var plots = StudyPlots.Draw(summary, data, options.Split, options.Out);
        AtomicFile.WriteAllBytes(
            Path.Combine(options.Out, "report.md"), Encoding.UTF8.GetBytes(StudyReport.Markdown(options, result, data, plots)));
        return result;
    }
}
