using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DistillOnnx.Core;
using DistillOnnx.Core.T5;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Limits;
using DistillOnnx.Teacher.Rows;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Scripting;
using DistillOnnx.Toolchain.Selection;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>
/// Rounds of asking the teacher only where it pays: the verb <c>improve</c>. Each round is a directory; every step of it is recorded
/// when it is done, so that a loop that was killed goes on where it stopped, and the teacher's answers of all rounds are kept in one
/// journal, so that none is paid twice.
/// </summary>
public static class ImproveStage
{
    private const string OptionsFile = "improve.json";
    private const string LockFile = "improve.lock";

    private static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    /// <summary>Runs the rounds.</summary>
    /// <param name="options">What to make better, and within which limits.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Stops the step at hand; <see cref="ImproveOptions.Resume"/> goes on with it.</param>
    /// <exception cref="InputException">An option, file, model or teacher cannot be used.</exception>
    /// <exception cref="TeacherException">The teacher answers no more; what it answered is kept.</exception>
    public static Task<ImproveResult> RunAsync(
        ImproveOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        RunAsync(options, reporter, _ => { }, cancellationToken);

    /// <summary>The same, and calls back between the steps.</summary>
    internal static async Task<ImproveResult> RunAsync(
        ImproveOptions options, IReporter reporter, Action<string> boundary, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var pool = Dataset.Open(options.Data);
        Uncertainty.RequireProbabilities(pool.Task, options.Selection);
        pool.FilePath(SplitNames.Train);
        var test = pool.Load(options.Split);
        RequireValidation(options, pool, reporter);
        RequireStart(options);
        RequirePrice(options);
        using var held = Open(options, pool, cancellationToken);

        var rounds = new List<RoundReport>();
        var standing = new Standing { Student = options.Student ?? options.Model };
        if (Standing.IsTrained(options.Model))
        {
            var answers = await StartAsync(options, pool, test, reporter, boundary, cancellationToken);
            standing = standing with { Serving = options.Model, Answers = answers };
            rounds.Add(new RoundReport
            {
                Round = 0,
                Calls = 0,
                Cost = 0,
                Accuracy = answers.Accuracy,
                AccuracyInterval = WilsonInterval.Of(answers.Right, answers.Rows.Count),
                ServingAccuracy = answers.Accuracy,
            });
        }

        var round = new ImproveRound(options, pool, test, reporter, boundary);
        string? stopped = null;
        try
        {
            // Finished rounds stay in the curve and in what serves, whatever the limits of this run are.
            for (var number = 1; (number <= options.Rounds && stopped is null) || round.IsFinished(number); number++)
            {
                (var report, standing, stopped) = await round.RunAsync(number, standing, cancellationToken);
                if (report is null) break;
                rounds.Add(report);
                ImproveCurve.Write(options.Out, rounds, options.Split);
                ImproveReport.Write(options, rounds);
            }
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCanceledException($"--resume goes on with round {rounds.Count(r => r.Round > 0) + 1}", e, cancellationToken);
        }

        if (rounds.Count == 0)
            throw new InputException(
                $"{options.Out}: no round could be run: "
                + (stopped == "pool" ? "the pool has no rows" : "--budget pays for no row; --resume goes on with a larger one"));
        RequireAny(options, rounds, stopped);
        reporter.Info($"stopped: {Why(options, rounds[^1].Round, stopped)}");
        return Result(options, rounds, standing, stopped ?? "rounds", began);
    }

    // Rounds that kept no row end nothing, but a loop of no others failed, as an annotation that kept nothing did.
    private static void RequireAny(ImproveOptions options, IReadOnlyList<RoundReport> rounds, string? stopped)
    {
        var run = rounds.Where(r => r.Round > 0).ToList();
        if (run.Count == 0 || run.Any(r => r.Accuracy is not null)) return;
        throw new TeacherException(
            TeacherFault.Fatal,
            $"{options.Out}: no row was kept: none of the teacher's answers to {run.Sum(r => r.Asked)} rows in {run.Count} rounds can be "
            + $"used (rounds/*/annotated/{AnnotatedDataset.ReportFile} shows them); "
            + stopped switch
            {
                "pool" => "no other row is left",
                "budget" => "the budget is spent: --resume with a larger --budget asks about other rows",
                _ => "--resume with more --rounds asks about other rows",
            });
    }

    private static string Why(ImproveOptions options, int round, string? stopped) => stopped switch
    {
        "budget" => $"the budget is spent after round {round}; --resume with a larger --budget goes on",
        "pool" => $"no row of the pool is left after round {round}",
        _ when round > options.Rounds => $"{round} rounds are done, more than --rounds {options.Rounds}",
        _ => $"{round} rounds are done; --resume with more --rounds goes on",
    };

    private static ImproveResult Result(
        ImproveOptions options, IReadOnlyList<RoundReport> rounds, Standing standing, string stopped, long began) => new()
        {
            Out = Path.GetFullPath(options.Out),
            Rounds = rounds,
            Stopped = stopped,
            Accuracy = standing.Answers?.Accuracy,
            StartAccuracy = rounds[0] is { Round: 0 } start ? start.Accuracy : null,
            Calls = rounds[^1].Calls,
            Cost = rounds[^1].Cost,
            Served = standing.Served,
            Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
        };

    private static async Task<TestAnswers> StartAsync(
        ImproveOptions options,
        Dataset pool,
        IReadOnlyList<Example> test,
        IReporter reporter,
        Action<string> boundary,
        CancellationToken cancellationToken)
    {
        var file = Path.Combine(options.Out, "start.jsonl");
        if (TestAnswers.Load(file) is { } earlier) return earlier;
        reporter.Info($"measuring {options.Model} on {test.Count} rows of {options.Split}");
        var answers = await Task.Run(
            () => TestAnswers.Of(options.Model, pool, test, options.Inference, reporter, cancellationToken), cancellationToken);
        boundary("start: measured");
        answers.Save(file);
        return answers;
    }

    private static void RequireValidation(ImproveOptions options, Dataset pool, IReporter reporter)
    {
        if (pool.Has(SplitNames.Validation)) _ = pool.Load(SplitNames.Validation);
        else reporter.Warn($"{options.Data}: no validation rows; the last weights of each training are kept, and nothing is calibrated");
    }

    // Found before anybody is asked, and paid.
    private static void RequireStart(ImproveOptions options)
    {
        var student = options.Student ?? options.Model;
        if (PredictorFactory.IsBundle(student))
            throw new InputException(
                $"{student}: a bundle cannot be trained; name the checkpoint that it was made from, or a preset, by --student");
        if (!Directory.Exists(student) && !File.Exists(student) && !T5Presets.Contains(student))
            throw new InputException(
                $"{student}: expected a checkpoint directory, a config.json, or one of the presets {string.Join(", ", T5Presets.Names)}");
        if (options.Student is not null && !Standing.IsTrained(options.Model))
            throw new InputException(
                $"{options.Model}: --student goes with a --model that serves; this one is no bundle and has no task.json");
    }

    private static void RequirePrice(ImproveOptions options)
    {
        var name = TeacherSpec.Parse(options.Teacher).Priced;
        if (options.Budget is not null && PriceTable.Find(name, options.Prices) is null)
            throw new InputException($"--budget: the table of prices does not know \"{name}\"; give --prices");
    }

    // What is returned keeps other runs off the directory.
    private static IDisposable Open(ImproveOptions options, Dataset pool, CancellationToken cancellationToken)
    {
        var stamp = Path.Combine(options.Out, OptionsFile);
        var trained = Standing.IsTrained(options.Model);
        var mine = JsonSerializer.Serialize(
            new
            {
                Options = options with
                {
                    Out = "",
                    Resume = false,
                    Epochs = options.Epochs ?? TrainOptions.DefaultEpochs,
                    VocabularySize = options.VocabularySize ?? TrainOptions.DefaultVocabularySize,
                    Rounds = 0,
                    Budget = null,
                    Prices = null,
                    MaxAccuracyLoss = 0,
                    Threads = null,
                    Device = "",
                    Concurrency = 1,
                    RequestsPerMinute = null,
                    ApiKey = null,
                },
                Pool = pool.Splits.ToDictionary(s => s, pool.Hash),
                Model = trained ? ModelIdentity.Of(options.Model) : "",
            },
            Json);
        if (options.Resume && File.Exists(stamp))
        {
            if (Different(File.ReadAllText(stamp), mine) is { } difference)
                throw new InputException(
                    $"{options.Out}: cannot be gone on with: its rounds were made with {difference}; pass the same, or choose another "
                    + "--out");
            return DirectoryLock.Hold(Path.Combine(options.Out, LockFile));
        }

        if (Directory.Exists(options.Out) && Directory.EnumerateFileSystemEntries(options.Out).Any())
            throw new InputException(
                $"{options.Out}: exists already; go on with its rounds by --resume, or choose another --out (it may hold answers that "
                + "were paid)");
        OutputDirectory.Require(options.Out, overwrite: false, options.Data, options.Model, options.Student, options.Collected);
        var need = options.Labels == LabelSource.Gold ? LabelNeed.None : LabelNeed.Unread;
        foreach (var _ in pool.Stream(SplitNames.Train, need)) cancellationToken.ThrowIfCancellationRequested();
        using var output = OutputDirectory.Create(options.Out);
        File.WriteAllText(output.FilePath(OptionsFile), mine);
        output.Commit();
        return DirectoryLock.Hold(Path.Combine(options.Out, LockFile));
    }

    /// <summary>What differs from the run that is to go on; null: nothing.</summary>
    private static string? Different(string earlier, string mine)
    {
        if (earlier == mine) return null;
        JsonNode? before;
        try
        {
            before = JsonNode.Parse(earlier);
        }
        catch (JsonException)
        {
            before = null;
        }

        var now = JsonNode.Parse(mine)!;
        if (before is not JsonObject || before["options"] is not JsonObject options) return $"what {OptionsFile} does not say";
        var differing = OptionDifferences.Of(options, now["options"]!.AsObject()).ToList();
        return differing.Count > 0 ? $"other options, {string.Join(", ", differing)}"
            : !JsonNode.DeepEquals(before["pool"], now["pool"]) ? "other rows"
            : "another model";
    }
}
