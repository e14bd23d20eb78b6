using DistillOnnx.Core.T5;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// A head of its own whose input is scaled by d_model^−0.5, which transformers 5 knows and transformers 4 does not. The scale goes into
/// the head's weights, so that the model is one that both read, and all that is written of it afterwards with it.
/// </summary>
internal static class ScaledHead
{
    /// <summary>The same model with an unscaled head.</summary>
    /// <param name="config">The shape, with a scaled head of its own.</param>
    /// <param name="source">The weights; disposed with the result.</param>
    public static (T5Config Config, ITensorSource Source) Fold(T5Config config, ITensorSource source)
    {
        var head = source.Tensors[T5TensorNames.LmHead];
        var values = new float[head.ElementCount];
        source.ReadFloat32(head.Name, values);
        var scale = 1 / Math.Sqrt(config.DModel);
        for (var i = 0; i < values.Length; i++) values[i] = (float)(values[i] * scale);
        return (
            config.WithHead(tied: false, scaled: false),
            new OverlaidTensors(source, new Dictionary<TensorInfo, float[]> { [head] = values }));
    }
}
