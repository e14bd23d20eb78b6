using DistillOnnx.Core.Options;
using DistillOnnx.Core.Reporting;
using DistillOnnx.Toolchain.Import;
using DistillOnnx.Toolchain.Info;

namespace DistillOnnx.Cli.Verbs;

/// <summary>Every verb of the command line, in the order of the line from data to service.</summary>
internal static class VerbTable
{
    /// <summary>The verbs.</summary>
    public static IReadOnlyList<Verb> All { get; } =
    [
        Of<ImportOptions>("import", "Make a dataset from the paper's own files, or from JSONL, CSV or Parquet.", (o, r, c) => Run(() => DatasetImporter.Import(o, r, c))),
        Of<InfoOptions>("info", "Show versions, devices, execution providers, and how to get what is missing.", (_, _, c) => Run(() => InfoReport.Look(c))),
    ];

    // Synchronous stages run on the pool, so that the main thread stays free for signals.
    private static Task<object?> Run(Func<object?> work) => Task.Run(work);

    private static Verb Of<T>(string name, string summary, Func<T, IReporter, CancellationToken, Task<object?>> run)
        where T : IStageOptions => new(name, summary, static () => typeof(T), (options, reporter, token) => run((T)options, reporter, token));
}
