namespace DistillOnnx.Core.Prediction;

/// <summary>A student that shows what its encoder makes of an input. Implementations may be called from several threads.</summary>
public interface IEmbedder
{
    /// <summary>The mean of the encoder's last hidden states over an input's tokens, prefix and end token included.</summary>
    /// <param name="inputs">The inputs; their choices are not read.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>d_model numbers an input, in the order of the inputs.</returns>
    /// <exception cref="InputException">An input has no text, or the student lacks the encoder's graph.</exception>
    /// <exception cref="InferenceException">The model failed on an input, or answers it with values that are no numbers.</exception>
    IReadOnlyList<float[]> Embed(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default);
}
