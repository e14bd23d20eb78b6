namespace DistillOnnx.Toolchain.Inspect;

/// <summary>A tokenizer and the embedding that it needs.</summary>
public sealed record TokenizerFacts
{
    /// <summary><c>sentencepiece</c>, <c>tokenizer_json</c> or <c>bytes</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The directory it was read from.</summary>
    public required string Directory { get; init; }

    /// <summary>Number of token ids, sentinels and added tokens included.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Number of sentinels.</summary>
    public required int Sentinels { get; init; }

    /// <summary>Number of added tokens.</summary>
    public required int AddedTokens { get; init; }

    /// <summary>Rows of the model's embedding.</summary>
    public required int EmbeddingRows { get; init; }

    /// <summary>Whether the embedding has a row for each token.</summary>
    public bool Fits => Vocabulary <= EmbeddingRows;
}
