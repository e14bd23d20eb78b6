using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Core.Tokenization.Files;

/// <summary>What a tokenizer is made of.</summary>
/// <param name="Model">Turns text without added tokens into ids.</param>
/// <param name="Source">Where it was read from, for messages.</param>
internal sealed record TokenizerParts(ITokenModel Model, string Source)
{
    /// <summary>The content of <c>spiece.model</c>; empty where there is none.</summary>
    public byte[] ModelBytes { get; init; } = [];

    /// <summary>What of the files is not used; null: nothing.</summary>
    public string? Note { get; init; }

    /// <summary>What is done with spaces beside added tokens.</summary>
    public SpaceRules Spaces { get; init; } = SpaceRules.Legacy;

    /// <summary>Tokens that were added, in the order of their ids; the model's own special tokens are not among them.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];
}
