using System.Globalization;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Stages.Reports;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Inspect;

namespace DistillOnnx.Toolchain.Reports;

/// <summary>Writes one page about a directory: datasets, training curves, models and their accuracy.</summary>
public static class DirectoryReport
{
    // As deep as projects keep their stages' outputs; a report must not walk a whole disk.
    private const int Depth = 3;

    /// <summary>Makes the page.</summary>
    /// <param name="options">What to gather.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="InputException">The options are at fault, or there is nothing to report on.</exception>
    public static Task<ReportResult> RunAsync(ReportOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Task.Run(() => Run(options, reporter, cancellationToken), cancellationToken);

    private static ReportResult Run(ReportOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        if (!Directory.Exists(options.Directory)) throw new InputException($"{options.Directory}: no such directory");
        var found = new List<InspectResult>();
        var unread = new List<string>();

        // What cannot be read does not take the page from the rest; it is named there.
        void LeaveOut(string path, string reason)
        {
            reporter.Warn($"{path}: left out: {reason}");
            unread.Add($"{Path.GetRelativePath(options.Directory, path)}: {reason}");
        }

        foreach (var directory in Directories(options.Directory, Depth, LeaveOut).Where(Inspector.Knows))
        {
            try
            {
                found.Add(Inspector.Run(new InspectOptions { Directory = directory }, reporter, cancellationToken));
            }
            catch (Exception fault) when (IsOfOne(fault))
            {
                LeaveOut(directory, fault.Message);
            }
        }

        if (found.Count == 0 && unread.Count > 0)
            throw new InputException($"{options.Directory}: nothing in it can be read: {string.Join("; ", unread.Take(3))}");
        if (found.Count == 0)
            throw new InputException($"{options.Directory}: holds no dataset, checkpoint or bundle, itself or {Depth} levels below");
        var models = found.Where(f => f.Dataset is null).ToList();
        var trainings = models.ToDictionary(m => m.Directory, m => Training(m, LeaveOut), StringComparer.Ordinal);
        var page = new HtmlReport($"Report on {Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Directory)))}");
        foreach (var fault in unread) page.Warning($"Left out: {fault}");
        var data = found.Where(f => f.Dataset is not null).ToList();
        var sets = new ReportDatasets(data.Select(d => d.Directory), options.Split);
        var results = new Dictionary<string, (string Data, TaskSpec Task, EvaluateResult Result)>(StringComparer.Ordinal);
        var notMeasured = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var model in models)
        {
            try
            {
                var directory = options.Data ?? sets.For(trainings[model.Directory], trainings.Values);
                var (dataset, rows) = sets.Load(directory);
                var evaluate = new EvaluateOptions
                {
                    Data = directory,
                    Model = model.Directory,
                    Split = options.Split,
                    Inference = For(model, options),
                };
                results[model.Directory] = (
                    directory, dataset.Task, Evaluator.Run(evaluate, dataset, rows, reporter, cancellationToken));
            }
            catch (Exception fault) when (IsOfOne(fault))
            {
                // The rest of the page is useful without the figures; the page and the result name the missing ones and the reason.
                reporter.Warn($"{model.Directory}: not measured: {fault.Message}");
                notMeasured[model.Directory] = fault.Message;
            }
        }

        page.Heading("Models").Table(
            ["Model", "Kind", $"Accuracy on {options.Split}", "Macro F1", "Calibration error", "Rows"],
            models.Select(m => results.TryGetValue(m.Directory, out var r)
                ? (IReadOnlyList<string?>)
                [
                    Name(options, m), m.Kind, Share(r.Result.Accuracy), Share(r.Result.MacroF1), Share(r.Result.Ece), $"{r.Result.Rows}",
                ]
                : [Name(options, m), m.Kind, "not measured", null, null, null]));
        foreach (var dataset in data)
        {
            page.Part($"{Name(options, dataset)} (dataset)");
            InspectReport.Add(page, dataset);
        }

        foreach (var model in models)
        {
            page.Part($"{Name(options, model)} ({model.Kind})");
            if (notMeasured.TryGetValue(model.Directory, out var reason)) page.Warning($"Not measured: {reason}");
            var measured = results.TryGetValue(model.Directory, out var entry) ? entry : default;
            if (trainings[model.Directory] is { } training) TrainingSection.Add(page, training);
            if (measured.Result is not null)
            {
                page.Heading($"On {options.Split} of {measured.Data}");
                EvaluationReport.Add(page, measured.Task, measured.Result);
            }

            InspectReport.Add(page, model);
        }

        page.Save(options.Out);
        return new ReportResult(
            options.Out,
            [.. data.Select(d => d.Directory)],
            [.. models.Select(m => m.Directory)],
            results.ToDictionary(r => r.Key, r => r.Value.Result.Accuracy, StringComparer.Ordinal),
            notMeasured);
    }

    private static JsonObject? Training(InspectResult model, Action<string, string> leaveOut)
    {
        if (model.Checkpoint is null) return null;
        var training = TrainingSection.Read(model.Directory, out var fault);
        if (fault is not null) leaveOut(Path.Combine(model.Directory, TrainingFile.Name), fault);
        return training;
    }

    // A fault of one model or directory, which says nothing about the others.
    private static bool IsOfOne(Exception fault) =>
        fault is InputException or InferenceException or IOException or UnauthorizedAccessException;

    private static string? Share(double? value) =>
        value is { } share ? (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + " %" : null;

    private static IEnumerable<string> Directories(string directory, int depth, Action<string, string> leaveOut)
    {
        yield return directory;
        if (depth == 0) yield break;
        string[] children = [];
        try
        {
            children = Directory.GetDirectories(directory);
        }
        catch (Exception fault) when (IsOfOne(fault))
        {
            leaveOut(directory, fault.Message);
        }

        foreach (var child in children.Order(StringComparer.Ordinal))
            foreach (var found in Directories(child, depth - 1, leaveOut)) yield return found;
    }

    private static string Name(ReportOptions options, InspectResult found) => Path.GetRelativePath(options.Directory, found.Directory);

    // A checkpoint runs in fp32, regardless of the bundles' precision.
    private static Stages.Options.InferenceOptions For(InspectResult model, ReportOptions options) =>
        model.Bundle is null ? options.Inference with { Precision = "auto" } : options.Inference;
}
