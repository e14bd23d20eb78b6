using DistillOnnx.Core.Prediction;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Generation;

/// <summary>What a model's encoder makes of inputs.</summary>
/// <param name="model">The model; dropout is off while it runs.</param>
internal sealed class EncoderStates(T5Model model)
{
    /// <summary>The mean of the last hidden states over each row's tokens.</summary>
    /// <param name="batch">The rows.</param>
    /// <returns>d_model numbers a row.</returns>
    /// <exception cref="InferenceException">One is not finite.</exception>
    public float[][] Mean(PaddedBatch batch)
    {
        using var inference = new InferenceScope(model);
        var states = model.Encode(batch.Ids, batch.Mask).to(ScalarType.Float32);               // (B, S, d_model)
        var mask = batch.Mask.to(ScalarType.Float32);                                          // (B, S)
        var sums = (states * mask.unsqueeze(2)).sum(1);                                        // (B, d_model)
        var means = (sums / mask.sum(1, keepdim: true)).cpu().data<float>().ToArray();
        var width = model.Config.DModel;
        if (!Array.TrueForAll(means, float.IsFinite)) throw new InferenceException(StudentGenerator.NoNumbers);
        return [.. Enumerable.Range(0, means.Length / width).Select(row => means[(row * width)..((row + 1) * width)])];
    }
}
