using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Describes the content of a directory: a checkpoint, an adapter, a bundle or a dataset.</summary>
public static class Inspector
{
    private const string AdapterFile = "adapter_config.json";

    private const string Expected =
        $"expected a bundle ({BundleManifest.FileName}), a checkpoint ({T5Config.FileName}), an adapter ({AdapterFile}) "
            + $"or a dataset ({TaskSpec.FileName} and *.jsonl)";

    /// <summary>Inspects a directory without changing it; writes a report where one is requested.</summary>
    /// <param name="options">The directory and how to inspect it.</param>
    /// <param name="reporter">Receives progress, and the files of a bundle that are missing or differ from its manifest.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="InputException">The options are at fault, the directory is none of these, or a file in it is faulty.</exception>
    public static InspectResult Run(InspectOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(reporter);
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var result = Find(options, reporter, cancellationToken);
        foreach (var fault in result.Bundle?.FileFaults ?? []) reporter.Warn($"{options.Directory}: {fault}");
        if (options.Report is not { } report) return result;
        InspectReport.Build(result).Save(report);
        return result with { Report = report };
    }

    /// <summary>Holds that a bundle is whole, for a caller that has shown what was found.</summary>
    /// <param name="result">What was found.</param>
    /// <exception cref="InputException">Files of the bundle are missing or differ from its manifest.</exception>
    public static void RequireWhole(InspectResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Bundle is not { FilesMatch: false, FileFaults.Count: var faults }) return;
        var named = faults == 1 ? "one fault of its files is" : $"{faults} faults of its files are";
        throw new InputException($"{result.Directory}: not a whole bundle: {named} named above");
    }

    /// <summary>Whether a directory is one that can be inspected.</summary>
    internal static bool Knows(string directory) => IsDataset(directory) || IsModel(directory);

    private static bool IsDataset(string directory) =>
        Has(directory, TaskSpec.FileName) && SplitNames.All.Any(s => Has(directory, SplitNames.FileName(s)));

    private static bool IsModel(string directory) =>
        Has(directory, BundleManifest.FileName) || Has(directory, T5Config.FileName) || Has(directory, AdapterFile);

    private static InspectResult Find(InspectOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var directory = options.Directory;
        if (!Directory.Exists(directory))
            throw new InputException(
                File.Exists(directory) ? $"{directory}: a file; {Expected}" : $"{directory}: no such directory; {Expected}");

        Refuse(options.Student is not null && IsModel(directory), directory, "--student is for datasets, and this is a model");
        if (Has(directory, BundleManifest.FileName))
        {
            Refuse(options.Base is not null, directory, "--base is for adapters, and this is a bundle");
            return new InspectResult
            {
                Directory = directory,
                Kind = "bundle",
                Bundle = ModelInspector.Bundle(directory, cancellationToken),
            };
        }

        var adapter = Has(directory, AdapterFile);
        if (adapter || Has(directory, T5Config.FileName))
            return new InspectResult
            {
                Directory = directory,
                Kind = adapter ? "adapter" : "checkpoint",
                Checkpoint = ModelInspector.Checkpoint(directory, options.Base),
            };

        if (IsDataset(directory))
        {
            Refuse(
                options is { Base: not null, Student: null }, directory, "--base is for adapters, and this is a dataset without --student");
            return new InspectResult
            {
                Directory = directory,
                Kind = "dataset",
                Dataset = DatasetInspector.Run(directory, Tokenizer(options), reporter, cancellationToken),
            };
        }

        throw new InputException($"{directory}: none of the files that identify its kind; {Expected}");
    }

    private static T5Tokenizer? Tokenizer(InspectOptions options) => options.Student is { } student
        ? T5Tokenizer.Load(CheckpointPlace.Find(student, options.Base).TokenizerDirectory)
        : null;

    private static bool Has(string directory, string name) => File.Exists(Path.Combine(directory, name));

    private static void Refuse(bool fault, string directory, string message)
    {
        if (fault) throw new InputException($"{directory}: {message}");
    }
}
