namespace DistillOnnx.Toolchain.Import;

/// <summary>The sources that can be imported.</summary>
internal static class ImportSources
{
    /// <summary>What the names of the paper's own sets begin with.</summary>
    public const string PaperPrefix = "dss:";

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [
        .. PaperSet.All.Select(s => PaperPrefix + s.Name), "jsonl", "csv", "tsv", "xlsx", "parquet"
    ];
}
