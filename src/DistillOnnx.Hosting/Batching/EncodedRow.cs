namespace DistillOnnx.Hosting.Batching;

/// <summary>An input made ready for its model before it queues, so that the thread that runs batches only runs batches.</summary>
/// <param name="Tokens">Length in tokens, as the model will read it: those of the text, and what its choices add.</param>
/// <param name="Payload">What the predictor that encoded it wants back.</param>
internal sealed record EncodedRow(int Tokens, object Payload)
{
    /// <summary>Tokens of the text alone.</summary>
    public int TextTokens { get; init; } = Tokens;
}
