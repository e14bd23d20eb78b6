using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Says what a directory holds: a checkpoint, an adapter, a bundle or a dataset.</summary>
public static class Inspector
{
    private const string AdapterFile = "adapter_config.json";

    private const string Expected = $"expected a bundle ({BundleManifest.FileName}), a checkpoint ({T5Config.FileName}) or an adapter ({AdapterFile})";

    /// <summary>Looks at a directory. Nothing in it is changed.</summary>
    /// <param name="options">Which one, and what to look at it with.</param>
    /// <param name="reporter">Hears of progress.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="InputException">The directory is none of these, or a file in it is faulty.</exception>
    public static InspectResult Run(InspectOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(reporter);
        var directory = options.Directory;
        if (!Directory.Exists(directory))
            throw new InputException(File.Exists(directory) ? $"{directory}: a file; {Expected}" : $"{directory}: no such directory; {Expected}");

        if (Has(directory, BundleManifest.FileName))
        {
            Refuse(options.Base is not null, directory, "--base is for adapters, and this is a bundle");
            return new InspectResult { Directory = directory, Kind = "bundle", Bundle = ModelInspector.Bundle(directory, cancellationToken) };
        }

        var adapter = Has(directory, AdapterFile);
        if (adapter || Has(directory, T5Config.FileName))
            return new InspectResult { Directory = directory, Kind = adapter ? "adapter" : "checkpoint", Checkpoint = ModelInspector.Checkpoint(directory, options.Base) };

        throw new InputException($"{directory}: none of the files that tell what it is; {Expected}");
    }

    private static bool Has(string directory, string name) => File.Exists(Path.Combine(directory, name));

    private static void Refuse(bool fault, string directory, string message)
    {
        if (fault) throw new InputException($"{directory}: {message}");
    }
}
