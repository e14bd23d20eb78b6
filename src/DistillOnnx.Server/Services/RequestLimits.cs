namespace DistillOnnx.Server.Services;

/// <summary>What one request may ask for.</summary>
internal sealed record RequestLimits
{
    /// <summary>Most inputs of a request.</summary>
    public int MaxRows { get; init; } = 256;

    /// <summary>
    /// Longest text in characters, and so for the choices of an input together. Longer ones are refused, because to cut a text to the
    /// model's length costs a look at all of it.
    /// </summary>
    public int MaxCharacters { get; init; } = 1_000_000;

    /// <summary>Most choices of an input.</summary>
    public int MaxChoices { get; init; } = 64;

    /// <summary>Most tokens of a text, where the model does not cut it shorter, and so of the choices of an input together.</summary>
    public int MaxTokens { get; init; } = 2048;
}
