using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.BatchJobs;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Limits;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.Teacher.Rows;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher;

/// <summary>
/// Has a teacher label a dataset and give its reasons. First every row is asked, with answers going to the journal as they
/// come; then the rows are read again in order and written with the journal's answers. Killed at any moment, a run that is
/// started again asks only what is not in the journal yet.
/// </summary>
public static class Annotator
{
    // Requests in flight when a user interrupts are paid; they have this long to complete.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Annotates.</summary>
    /// <param name="options">What, by whom, within which limits.</param>
    /// <param name="reporter">Receives progress and the summary.</param>
    /// <param name="cancellationToken">Stops asking; answers that came are kept.</param>
    /// <exception cref="InputException">The options, the dataset or the journal cannot be used, or the teacher that
    /// they name: no such place or model.</exception>
    /// <exception cref="TeacherException">The teacher does not accept the key, or answers no more.</exception>
    public static Task<AnnotateResult> RunAsync(
        AnnotateOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        RunAsync(options, null, TimeProvider.System, reporter, cancellationToken);

    /// <summary>Annotates by a teacher of the caller's own.</summary>
    /// <param name="options">What, by whom, within which limits; the teacher's name there goes into the keys of requests.</param>
    /// <param name="teacher">The teacher; null: the one that the options name. It reports faults by <see cref="TeacherException"/>.</param>
    /// <param name="clock">Source of time and delays.</param>
    /// <param name="reporter">Receives progress and the summary.</param>
    /// <param name="cancellationToken">Stops asking; answers that came are kept.</param>
    /// <exception cref="InputException">The options, the dataset or the journal cannot be used, or the teacher that
    /// they name: no such place or model.</exception>
    /// <exception cref="TeacherException">The teacher does not accept the key, or answers no more.</exception>
    public static async Task<AnnotateResult> RunAsync(
        AnnotateOptions options,
        IChatClient? teacher,
        TimeProvider clock,
        IReporter reporter,
        CancellationToken cancellationToken = default)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        if (options.Select is not null)
            throw new InputException("--select: choosing rows is part of DistillOnnx.Toolchain; call AnnotateStage.RunAsync");
        var dataset = Dataset.Open(options.Data);
        if (options.Out.Length > 0 && OutputDirectory.IsOrHolds(options.Out, options.Data))
            throw new InputException(
                $"--out: {options.Out} is or holds the dataset that is read (--data {options.Data}); choose another output");
        if (options.Merge.Count > 0)
        {
            RequireOutput(options);
            return AnnotationMerger.Merge(options, dataset, reporter, cancellationToken);
        }

        var spec = TeacherSpec.Parse(options.Teacher);
        var rows = new RowSource(dataset, options);
        var template = options.Prompt is null ? PromptTemplate.For(dataset.Task) : PromptTemplate.Load(options.Prompt);
        var directory = options.Journal
            ?? (options.Out.Length > 0 ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Out)) + ".journal" : null);
        var format = new FormatChoice(
            options, spec, teacher, dataset.Task, Exemplars.Choose(template, dataset, options), rows, directory, reporter);
        if (options.Preview > 0) return Preview(rows, format, await format.KnownAsync(directory).ConfigureAwait(false), options, reporter);

        if (options.Try > 0)
            return await AnnotationTrial.RunAsync(
                options, spec, teacher, rows, format, directory, clock, cancellationToken).ConfigureAwait(false);

        if (options.Plan)
            return await AnnotationPlanner.PlanAsync(
                options, spec, rows, format, directory, clock, reporter, cancellationToken).ConfigureAwait(false);

        RequireOutput(options);
        // A row that cannot be used is found before anybody is asked, and paid, for the others.
        foreach (var _ in rows.ToAnnotate()) cancellationToken.ThrowIfCancellationRequested();
        var started = clock.GetTimestamp();
        await using var journal = Journal.Open(directory!);
        using var stack = new TeacherStack(options, spec, teacher, journal, clock);
        if (stack.Refused is { } refused) refused.Notice = reporter.Warn;
        if (stack.Prices is { Output: > 0 } && PriceTable.Doubt(options.Prices, clock.GetUtcNow()) is { } doubt) reporter.Warn(doubt);
        RowAnnotator annotator;
        try
        {
            var structured = await format.DecideAsync(journal, stack, Grace, cancellationToken).ConfigureAwait(false);
            (options, annotator) = (format.Options(structured), format.Annotator(structured));
            if (options is { Batch: true, Offline: false })
                await new BatchJobRunner(
                    options, rows, annotator, stack, directory!, clock, reporter).RunAsync(cancellationToken).ConfigureAwait(false);
            else if (!options.Offline) await AskAsync(options, rows, annotator, stack, reporter, cancellationToken).ConfigureAwait(false);
        }
        catch (TeacherException e)
        {
            var kept = journal.Count > 0 ? $"; the {journal.Count} answers that came are kept in {directory}" : "";
            throw e.Fault == TeacherFault.Setup
                ? new InputException(e.Message + kept, e)
                : new TeacherException(e.Fault, e.Message + kept, inner: e) { Unusable = e.Unusable };
        }

        stack.Journaled.Offline = true;
        var (result, fault, unusable) = await WriteAsync(
            options, dataset, rows, annotator, stack, journal, cancellationToken).ConfigureAwait(false);
        result = result with { Seconds = clock.GetElapsedTime(started).TotalSeconds };
        if (stack.Uncounted is > 0 and var uncounted)
        {
            var limited = options.Budget is not null || options.BudgetTokens is not null;
            reporter.Warn(
                $"{uncounted} answers came without a count of their tokens: they count as "
                + (limited ? "the most that the budget reserved for them" : "estimated from their texts"));
        }

        AnnotationSummary.Report(result, options, reporter);
        if (unusable is not null) reporter.Warn(unusable);
        AnnotationSummary.RequireAny(result, fault, options);
        return result;
    }

    private static void RequireOutput(AnnotateOptions options) => OutputDirectory.Require(
        options.Out, options.Overwrite, options.Report,
        [options.Data, options.Prompt, options.Exemplars, options.Prices, .. options.Merge]);

    private static AnnotateResult Preview(
        RowSource rows, FormatChoice format, bool? structured, AnnotateOptions options, IReporter reporter)
    {
        var annotator = format.Annotator(structured ?? !options.Batch);
        if (structured is null && !options.Batch) reporter.Info(FormatChoice.Open);
        var prompts = rows.ToAnnotate().Take(options.Preview).Select(row => new PreviewedPrompt(
            row.Split,
            row.Example.Id,
            [.. annotator.Prompt(row.Example).Select(m => new PreviewedMessage(m.Role.Value, m.Text))])).ToList();
        reporter.Info($"{prompts.Count} prompts, nothing asked");
        return new AnnotateResult { Preview = prompts };
    }

    private static async Task AskAsync(
        AnnotateOptions options,
        RowSource rows,
        RowAnnotator annotator,
        TeacherStack stack,
        IReporter reporter,
        CancellationToken cancellationToken)
    {
        using var hard = new CancellationTokenSource();
        await using var soft = cancellationToken.Register(() => hard.CancelAfter(Grace)).ConfigureAwait(false);
        long done = 0, failures = 0, answered = 0;
        var unusable = new UnusableAnswers();
        try
        {
            await Parallel.ForEachAsync(
                Rows(),
                new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = CancellationToken.None },
                async (row, _) =>
                {
                    var outcome = await AnnotateAsync(row).ConfigureAwait(false);
                    unusable.Note(row, outcome);
                    if (outcome.Verdict != RowVerdict.Failed)
                    {
                        Interlocked.Increment(ref answered);
                        Interlocked.Exchange(ref failures, 0);
                    }
                    else if (!(outcome.Refused && Interlocked.Read(ref answered) > 0)
                        && Interlocked.Increment(ref failures) >= options.MaxFailures)
                    {
                        // A teacher that answered one row may refuse many; one that refuses all is asked wrongly.
                        throw new TeacherException(
                            TeacherFault.Fatal,
                            $"{options.MaxFailures} rows in succession failed (--max-failures), the last with: {outcome.Fault}");
                    }

                    var speed = stack.TokensPerSecond is { } rate
                        ? string.Create(CultureInfo.InvariantCulture, $", {rate:0.0} tokens/s")
                        : "";
                    reporter.Progress(
                        "annotate",
                        Interlocked.Increment(ref done),
                        null,
                        $"{stack.Journaled.Asked} asked, {stack.Retried} repeated, {stack.Journaled.Hits} from the journal{speed}");
                }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }

        cancellationToken.ThrowIfCancellationRequested();

        async Task<RowOutcome> AnnotateAsync(Example row)
        {
            try
            {
                return await annotator.AnnotateAsync(row, stack.Journaled, hard.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is TeacherException or IOException)
            {
                hard.CancelAfter(Grace);
                throw;
            }
        }

        IEnumerable<Example> Rows() =>
            rows.ToAnnotate().Select(r => r.Example).TakeWhile(_ => !stack.Exhausted && !cancellationToken.IsCancellationRequested);
    }

    private static async Task<(AnnotateResult Result, string? Fault, string? Unusable)> WriteAsync(
        AnnotateOptions options,
        Dataset dataset,
        RowSource rows,
        RowAnnotator annotator,
        TeacherStack stack,
        Journal journal,
        CancellationToken cancellationToken)
    {
        using var output = new AnnotatedDataset(dataset.Task, options);
        var splits = new Dictionary<string, AnnotatedSplit>(StringComparer.Ordinal);
        var examples = new JsonObject();
        var unusable = new KeptUnusable();
        string? fault = null;
        foreach (var split in dataset.Splits)
        {
            var annotate = rows.Splits.Contains(split, StringComparer.Ordinal);
            var tally = new SplitTally(dataset.Task);
            foreach (var example in rows.Rows(split))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!annotate)
                {
                    output.Copy(split, example);
                    continue;
                }

                var outcome = await annotator.AnnotateAsync(example, stack.Journaled, cancellationToken).ConfigureAwait(false);
                output.Write(split, example, outcome);
                tally.Add(example, outcome);
                unusable.Add(outcome);
            }

            if (!annotate) continue;
            splits.Add(split, tally.Result());
            examples[split] = tally.Examples();
            fault ??= tally.Fault;
        }

        var counted = AnnotationSummary.Counted(splits);
        var result = counted with
        {
            Dataset = Path.GetFullPath(options.Out),
            Complete = counted.Left == 0,
            IncompleteReason = counted.Left == 0 ? null : stack.Exhausted ? "budget" : options.Offline ? "offline" : "unanswered",
            Requests = stack.Sent,
            Answers = journal.Count,
            Retried = stack.Retried,
            InputTokens = journal.Tokens.Input,
            OutputTokens = journal.Tokens.Output,
            ReasoningTokens = journal.ReasoningTokens is > 0 and var reasoning ? reasoning : null,
            Cost = Ledger.Cost(journal.Totals, options.Prices),
        };
        Record(output.Info, options, dataset);
        output.Info["complete"] = result.Complete;
        if (result.Left > 0) output.Info["rows_left"] = result.Left;
        output.Commit(new JsonObject
        {
            ["splits"] = JsonSerializer.SerializeToNode(splits, Indented),
            ["ledger"] = Ledger.Report(journal.Totals, options.Prices),
            ["examples"] = examples,
        });
        if (options.Report is { } report) AnnotationReport.Save(report, options, result, examples);
        return (result, fault, unusable.Line(options));
    }

    /// <summary>How results are written to files.</summary>
    internal static JsonSerializerOptions Indented { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static void Record(JsonObject info, AnnotateOptions options, Dataset dataset)
    {
        info["source"] = "annotate";
        info["teacher"] = options.Teacher;
        info["options"] = JsonSerializer.SerializeToNode(options with { ApiKey = null }, Indented);
        info["data_sha256"] = new JsonObject(dataset.Splits.Select(s => KeyValuePair.Create(s, (JsonNode?)dataset.Hash(s))));
        if (options.Shard is not null) info["shard"] = options.Shard;
    }
}
