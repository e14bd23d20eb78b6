using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Rows;
using DistillOnnx.Toolchain.Annotation;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Selection;
using DistillOnnx.Toolchain.Training;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>One round: select, annotate, train, export, measure, gate, serve. Every step is done once.</summary>
/// <param name="options">The loop's options.</param>
/// <param name="pool">The pool.</param>
/// <param name="test">The rows that all rounds are measured on.</param>
/// <param name="reporter">Receives progress and messages.</param>
/// <param name="boundary">Called between steps.</param>
internal sealed class ImproveRound(
    ImproveOptions options, Dataset pool, IReadOnlyList<Example> test, IReporter reporter, Action<string> boundary)
{
    /// <summary>Runs a round, or what is left of it.</summary>
    /// <param name="number">The round, from 1.</param>
    /// <param name="before">Where the loop stands.</param>
    /// <param name="cancellationToken">Stops the step at hand, which a later run goes on with.</param>
    /// <returns>What it came to and where the loop stands then; null and why where there was nothing to ask.</returns>
    public async Task<(RoundReport? Report, Standing After, string? Stopped)> RunAsync(
        int number, Standing before, CancellationToken cancellationToken)
    {
        var round = new RoundOptions(options, number);
        var steps = new StepRecords(round.Directory, step => boundary($"round {number}: {step}"));
        void Say(string what) => reporter.Info($"round {number} of {Math.Max(number, options.Rounds)}: {what}");

        CollectedRows? added = null;
        if (options.Collected is { } directory)
        {
            added = await steps.RunAsync("collect", () => Task.Run(
                () => CollectedRows.Write(
                    directory, pool, [.. before.Annotated, .. before.Collected], round.Collected, round.Answered, cancellationToken),
                cancellationToken));
            if (added.Measured > 0)
                reporter.Warn($"{directory}: {added.Measured} inputs are validation or test rows of {options.Data}, and are left out");
            Say($"{added.Asked} collected inputs are new, {added.Answered} more have a teacher's answer");
            if (added.Asked > 0) before = before with { Collected = [.. before.Collected, round.Collected] };
            if (added.Answered > 0) before = before with { Annotated = [.. before.Annotated, round.Answered] };
        }

        Say(before.Serving is null
            ? $"selecting {options.Count} rows at random: nothing is trained yet that could be asked"
            : $"selecting {options.Count} rows by {options.Selection.By.ToString().ToLowerInvariant()}");
        var selected = await steps.RunAsync("select", () => SelectStage.TryEnsureAsync(
            round.Select(before.Serving, before.Annotated, before.Collected), reporter, cancellationToken), s => s.Selected > 0);
        if (selected.Selected == 0) return (null, before, "pool");

        Say($"annotating {selected.Selected} rows");
        var annotated = await steps.RunAsync("annotate", () => AnnotateAsync(round, cancellationToken), a => a.Asked != 0);
        if (annotated.Asked == 0) return (null, before, "budget");
        // Rows that were not asked about may be chosen again.
        var all = new List<string>([.. before.Annotated, annotated.Asked < selected.Selected ? round.Asked : round.Annotated]);
        var asked = new RoundReport
        {
            Round = number,
            By = selected.By,
            Collected = added?.Asked + added?.Answered,
            Selected = selected.Selected,
            Asked = annotated.Asked,
            Kept = annotated.Kept,
            Calls = annotated.Answers,
            Cost = annotated.Cost,
            ServingAccuracy = before.Answers?.Accuracy,
            BudgetSpent = annotated.BudgetSpent,
        };
        if (IsBarren(annotated, added))
        {
            reporter.Warn(
                $"round {number}: none of the teacher's answers to {annotated.Asked} rows can be used, and nothing is trained; "
                + $"{Path.Combine(round.Annotated, AnnotatedDataset.ReportFile)} shows them; these rows are not chosen again");
            return (asked, before with { Annotated = all }, IsSpent(annotated) ? "budget" : null);
        }

        var data = await steps.RunAsync("data", () => Task.Run(
            () => new DataStep(RoundData.Write(pool, all, options.Labels, round.Data, cancellationToken)), cancellationToken));

        Say($"training on {data.Rows} annotated rows from {before.Student}");
        var trained = await steps.RunAsync("train", () => TrainStage.RunAsync(
            round.Train(before.Student, before.First), reporter, cancellationToken));
        Say("exporting");
        await steps.RunAsync("export", () => BundleExport.RunAsync(
            round.Export(pool.Has(SplitNames.Validation)), reporter, cancellationToken));

        Say($"measuring on {test.Count} rows of {options.Split}");
        var answers = TestAnswers.Load(round.Answers);
        if (answers is null)
        {
            answers = await Task.Run(
                () => TestAnswers.Of(round.Bundle, pool, test, options.Inference, reporter, cancellationToken), cancellationToken);
            boundary($"round {number}: measured");
            answers.Save(round.Answers);
        }

        var gate = GateResult.Of(pool.Task, answers, before.Answers, options.GateLevel);
        var served = gate.Passed
            ? await steps.RunAsync("serve", () => Task.FromResult(new ServeStep(ModelFolderVersion.Add(
                options.ModelFolder ?? Path.Combine(options.Out, "models"),
                options.Name ?? ModelFolderVersion.SafeName(pool.Task.Name),
                round.Bundle,
                cancellationToken))))
            : null;
        Say(gate.Passed ? $"passed the gate; serves from {served!.Directory}" : $"refused by the gate: {gate.Reason()}");

        var report = asked with
        {
            TrainRows = data.Rows,
            BestStep = trained.BestStep,
            Accuracy = answers.Accuracy,
            AccuracyInterval = WilsonInterval.Of(answers.Right, answers.Rows.Count),
            ServingAccuracy = gate.Passed ? answers.Accuracy : before.Answers!.Accuracy,
            Gate = gate,
            Served = served?.Directory,
        };
        return (report, After(before with { Annotated = all }, round, answers, served), IsSpent(annotated) ? "budget" : null);
    }

    /// <summary>Whether a round needs no step any more that asks or trains.</summary>
    public bool IsFinished(int number)
    {
        var round = new RoundOptions(options, number);
        var steps = new StepRecords(round.Directory, boundary);
        return File.Exists(round.Answers)
            || (steps.Find<AnnotateStep>("annotate") is { } annotated && IsBarren(annotated, steps.Find<CollectedRows>("collect")));
    }

    // Nothing new to learn from: its student would be the last one again.
    private static bool IsBarren(AnnotateStep annotated, CollectedRows? added) => annotated.Kept == 0 && !(added?.Answered > 0);

    private Standing After(Standing before, RoundOptions round, TestAnswers answers, ServeStep? served)
    {
        if (served is null) return before;
        var last = options.TrainFrom == TrainingStart.Last;
        return before with
        {
            Serving = round.Bundle,
            Answers = answers,
            Student = last ? round.Checkpoint : before.Student,
            First = !last && before.First,
            Served = served.Directory,
        };
    }

    private async Task<AnnotateStep> AnnotateAsync(RoundOptions round, CancellationToken cancellationToken)
    {
        // What a killed run left would otherwise be taken for this one's.
        if (Directory.Exists(round.Annotated)) Directory.Delete(round.Annotated, recursive: true);
        AnnotateResult result;
        try
        {
            result = await ResultAsync(round.Annotate(), reporter, cancellationToken);
        }
        catch (TeacherException e) when (e.Unusable)
        {
            // The same rows would give the same answers from the journal for ever: the round ends with what was asked.
            reporter.Warn(e.Message);
            result = await ResultAsync(round.Annotate() with { Offline = true }, Reporter.None, cancellationToken);
        }

        if (result.Left > 0 && result.Left < result.Rows) AskedRows.Write(round.Annotated, round.Asked, cancellationToken);
        return new AnnotateStep(
            result.Kept!.Value,
            result.Answers!.Value,
            result.Cost,
            result.IncompleteReason == "budget",
            options.Budget,
            result.Rows - result.Left);
    }

    private static async Task<AnnotateResult> ResultAsync(AnnotateOptions rows, IReporter reporter, CancellationToken cancellationToken)
    {
        try
        {
            return await AnnotateStage.RunAsync(rows, reporter, cancellationToken);
        }
        catch (TeacherException e) when (e.Result is { } nothing && (nothing.Left < nothing.Rows || nothing.IncompleteReason == "budget"))
        {
            return nothing;
        }
    }

    // A loop that is gone on with may spend more than it could when the round was annotated.
    private bool IsSpent(AnnotateStep step) => step.BudgetSpent && options.Budget <= step.Budget;

    private sealed record AnnotateStep(long Kept, long Answers, double? Cost, bool BudgetSpent, double? Budget, long? Asked = null);

    private sealed record DataStep(int Rows);

    private sealed record ServeStep(string Directory);
}
