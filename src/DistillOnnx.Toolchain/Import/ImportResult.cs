namespace DistillOnnx.Toolchain.Import;

/// <summary>What an import came to.</summary>
public sealed record ImportResult
{
    /// <summary>The dataset directory.</summary>
    public required string Dataset { get; init; }

    /// <summary>The splits written.</summary>
    public required IReadOnlyDictionary<string, ImportedSplit> Splits { get; init; }

    /// <summary>Rows that were left out because they cannot be used; null where none may be.</summary>
    public long? Skipped { get; init; }

    /// <summary>The splits as the source has them, where splits were made out of them; otherwise null.</summary>
    public IReadOnlyDictionary<string, ImportedSplit>? Sources { get; init; }
}
