using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Data.Selection;
using DistillOnnx.Runtime;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>Takes the rows of a pool that are most worth asking a teacher about: the verb <c>select</c>.</summary>
public static class SelectStage
{
    /// <summary>Takes rows.</summary>
    /// <param name="options">Which, from where.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Stops between batches; what was looked at is kept for the next run.</param>
    /// <exception cref="InputException">The options, the pool or the model cannot be used, or the output cannot be written.</exception>
    /// <exception cref="InferenceException">The model has no answer to a row, which the message names.</exception>
    public static Task<SelectResult> RunAsync(
        SelectOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Task.Run(() => RequireAny(options, Run(options, reuse: false, reporter, cancellationToken)), cancellationToken);

    /// <summary>The same, but for a selection by the same options from the same rows and model that stands there already.</summary>
    internal static async Task<SelectResult> EnsureAsync(
        SelectOptions options, IReporter reporter, CancellationToken cancellationToken) =>
        RequireAny(options, await TryEnsureAsync(options, reporter, cancellationToken));

    /// <summary>The same, but where no row is left to take: nothing is written then, and none is selected.</summary>
    internal static Task<SelectResult> TryEnsureAsync(
        SelectOptions options, IReporter reporter, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options with { Overwrite = true }, reuse: true, reporter, cancellationToken), cancellationToken);

    private static SelectResult RequireAny(SelectOptions options, SelectResult result) => result.Selected > 0
        ? result
        : throw new InputException($"{options.Data}: none of {result.Rows} rows of {options.Split} is left to take");

    private static SelectResult Run(SelectOptions options, bool reuse, IReporter reporter, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        OutputDirectory.Require(
            options.Out, options.Overwrite, [options.Data, options.Model, .. options.Annotated, .. options.Further]);
        var pool = Pool.Open(options);
        var selection = options.Selection;
        Uncertainty.RequireProbabilities(pool.Task, selection);
        var asks = selection.By != SelectionRule.Random;
        if (!asks && options.Model.Length > 0) reporter.Info($"--by random: {options.Model} is not asked");
        var model = asks ? ModelIdentity.Of(options.Model) : "";
        var rows = SelectionFiles.Fingerprint(
            [.. pool.Hashes, options.Seed, model, options.Inference.Device, options.Inference.Precision]);
        var fingerprint = SelectionFiles.Fingerprint(
            rows, options.Count, selection.By.ToString(), selection.Measure.ToString(), selection.ShortlistOf(options.Count),
            options.Split, options.SplitAlone);
        if (reuse && SelectionFiles.Find(options.Out, fingerprint) is { } earlier)
        {
            reporter.Info($"{options.Out}: the rows have been selected already");
            return earlier;
        }

        using var predictor = asks ? PredictorFactory.Open(options.Model, options.Inference, reporter) : null;
        if (predictor is not null) Evaluator.RequireSameTask(pool.Task, predictor.Task, options.Model);
        using var log = selection.ReadsProbabilities
            ? ScoreLog.Open(options.Out, SelectionFiles.Fingerprint(rows, selection.Measure.ToString()), Selector.DefaultBatch)
            : null;
        var (taken, result) = Choose(options, pool, predictor, log, reporter, cancellationToken);
        if (taken.Count == 0)
        {
            log?.Delete();
            return result;
        }

        result = result with { Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds };
        SelectionFiles.Write(options, pool, taken, result, fingerprint, cancellationToken);
        log?.Delete();
        Report(options, result, reporter);
        return result;
    }

    private static (IReadOnlyList<SelectedRow> Rows, SelectResult Result) Choose(
        SelectOptions options, Pool pool, IPredictor? predictor, ScoreLog? log, IReporter reporter, CancellationToken cancellationToken)
    {
        try
        {
            var (rows, result) = new Selector(options, pool, predictor, reporter).Run(log, cancellationToken);
            return (rows, result with { Temperature = options.Selection.ReadsProbabilities ? Temperature(predictor) : null });
        }
        catch (OperationCanceledException e) when (log is not null)
        {
            throw new OperationCanceledException(
                $"the same command goes on where it stopped ({ScoreLog.PathFor(options.Out)})", e, cancellationToken);
        }
    }

    // A method of its own, so that a checkpoint does not need the runtime of bundles.
    private static double Temperature(IPredictor? predictor) =>
        predictor is BundlePredictor bundle ? bundle.Bundle.Manifest.Temperature : 1;

    private static void Report(SelectOptions options, SelectResult result, IReporter reporter)
    {
        if (result.Selected < options.Count)
            reporter.Warn($"{options.Data}: {options.Count} rows were asked for, and there are {result.Selected} to take");
        var left = (result.Repeated, result.Annotated) switch
        {
            (0, 0) => "",
            var (repeated, annotated) => $" ({repeated} inputs repeated, {annotated} annotated already)",
        };
        var unsure = result is { PoolUncertainty: { } all, SelectedUncertainty: { } mine }
            ? string.Create(CultureInfo.InvariantCulture, $"; mean uncertainty {mine:0.000}, of the pool {all:0.000}")
            : "";
        var shortlist = result.Shortlist is { } rows ? $" from a shortlist of {rows}" : "";
        var by = result.By.ToString().ToLowerInvariant();
        reporter.Info($"{result.Selected} of {result.Rows} rows taken{left} by {by}{shortlist}{unsure}");
    }
}
