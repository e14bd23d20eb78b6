using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// T5's initial weights, as Mesh TensorFlow draws them and the reference implementation after it: normal around zero, with standard
/// deviations that keep unscaled attention in range; norms start at one.
/// </summary>
internal static class T5Initializer
{
    /// <summary>Overwrites all weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">The same seed gives the same weights, on any device.</param>
    public static void Initialize(T5Model model, long seed)
    {
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed, CPU);
        foreach (var (name, parameter) in model.named_parameters())
        {
            using var scope = NewDisposeScope();
            if (StandardDeviation(model, name) is { } deviation)
                parameter.copy_(randn(parameter.shape, dtype: ScalarType.Float32, generator: generator).Times(deviation));
            else
                parameter.FillInPlace(model.Config.InitializerFactor);
        }
    }

    private static double? StandardDeviation(T5Model model, string name)
    {
        var c = model.Config;
        double factor = c.InitializerFactor;
        var parts = name.Split('.');
        return parts[^2] switch
        {
            "shared" or "lm_head" => factor,
            "q" => factor / Math.Sqrt((double)c.DModel * c.DKv),
            "k" or "v" or "wi" or "wi_0" or "wi_1" or "relative_attention_bias" => factor / Math.Sqrt(c.DModel),
            "o" => factor / Math.Sqrt(c.InnerDim),
            "wo" => factor / Math.Sqrt(c.DFf),
            _ => null,
        };
    }
}
