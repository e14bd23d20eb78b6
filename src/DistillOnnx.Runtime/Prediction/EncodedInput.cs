using DistillOnnx.Core.Labels;

namespace DistillOnnx.Runtime.Prediction;

/// <summary>An input as the graphs read it. Made once, on whatever thread; runs then only copy its tokens.</summary>
public sealed record EncodedInput
{
    /// <summary>Encoder tokens, prefix and end token included.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Whether the input was cut to the longest length that the model takes.</summary>
    public bool Truncated { get; init; }

    /// <summary>The closed set of this input; null for tasks whose rows bring none.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>The trie of <see cref="Choices"/>.</summary>
    public LabelTrie? Trie { get; init; }
}
