using System.Diagnostics;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Export;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Export;

/// <summary><c>distill export</c>: writes a bundle, holds it against its checkpoint, calibrates it, and only then puts
/// it in place.</summary>
public static class BundleExport
{
    /// <summary>Exports a checkpoint.</summary>
    /// <param name="options">What to make and what to ask of it.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops it; nothing is left behind.</param>
    /// <exception cref="InputException">The options, the checkpoint or the dataset cannot be used, or the output cannot
    /// be written.</exception>
    /// <exception cref="QualityGateException">A graph differs from the checkpoint, or a precision loses too much accuracy.</exception>
    public static Task<ExportResult> RunAsync(ExportOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Task.Run(() => Run(options, reporter, cancellationToken), cancellationToken);

    private static ExportResult Run(ExportOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        if (PredictorFactory.IsBundle(options.Model))
            throw new InputException($"{options.Model}: is a bundle already; expected a checkpoint to export");
        OutputDirectory.Require(options.Out, options.Overwrite, options.Model, options.Data, options.Base, options.Task);
        if (options.AbstainBelow is not null) RequireProbabilities(options);
        var began = Stopwatch.GetTimestamp();
        var rows = LoadRows(options);
        if (rows is null)
            reporter.Warn("no --data: probabilities stay uncalibrated, and what a precision costs in accuracy is not measured");
        var manifest = BundleExporter.Export(
            options.ToBundleOptions(),
            draft => new BundleReview(draft, options, rows, reporter).Run(cancellationToken),
            reporter,
            cancellationToken);
        return new ExportResult
        {
            Bundle = options.Out,
            Version = manifest.Version,
            Parity = manifest.Parity,
            Precisions = manifest.PrecisionDetails,
            Calibration = manifest.Calibration,
            LabelModel = manifest.LabelModel,
            Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
        };
    }

    // Open answers have no probability on which a model could abstain.
    private static void RequireProbabilities(ExportOptions options)
    {
        var checkpoint = CheckpointPlace.Find(options.Model, options.Base);
        if (BundleTask.Load(options.ToBundleOptions(), checkpoint).Kind == TaskKind.Text)
            throw new InputException($"{options.Model}: --abstain-below needs a closed set of labels, found a task of kind \"text\"");
    }

    private static ValidationRows? LoadRows(ExportOptions options)
    {
        if (options.Data is null) return null;
        var dataset = Dataset.Open(options.Data);
        var rows = options.Rows == 0 ? dataset.Load(options.Split) : [.. dataset.Stream(options.Split).Take(options.Rows)];
        if (rows.Count == 0) throw new InputException($"{dataset.FilePath(options.Split)}: expected rows to calibrate with, found none");
        return new ValidationRows(dataset.FilePath(options.Split), dataset.Task, rows);
    }
}
