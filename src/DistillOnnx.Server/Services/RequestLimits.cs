namespace DistillOnnx.Server.Services;

/// <summary>What one request may ask for.</summary>
internal sealed record RequestLimits
{
    /// <summary>Most inputs of a request.</summary>
    public int MaxRows { get; init; } = 256;

    /// <summary>
    /// Longest text in characters. Longer ones are refused, because to cut a text to the model's length costs a look at all
    /// of it.
    /// </summary>
    public int MaxCharacters { get; init; } = 1_000_000;

    /// <summary>Most choices of an input.</summary>
    public int MaxChoices { get; init; } = 64;

    /// <summary>Most tokens of an input, where the model does not cut it shorter.</summary>
    public int MaxTokens { get; init; } = 2048;
}
