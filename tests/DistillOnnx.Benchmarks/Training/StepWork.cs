using DistillOnnx.Core.T5;

namespace DistillOnnx.Benchmarks.Training;

/// <summary>Floating-point operations of a training step, matrix products alone.</summary>
internal static class StepWork
{
    /// <summary>Forward and backward: three times the forward pass, of which every product costs 2 operations a multiplication.</summary>
    public static double Flops(T5Config config, int rows, int source, int target)
    {
        double d = config.DModel, inner = config.InnerDim, ff = config.DFf * (config.IsGated ? 3.0 : 2.0);
        double s = (double)rows * source, t = (double)rows * target;
        var encoder = config.NumLayers * (s * ((4 * d * inner) + (d * ff)) + (2 * s * source * inner));
        var self = (t * 4 * d * inner) + (2 * t * target * inner);
        var cross = (t * 2 * d * inner) + (s * 2 * d * inner) + (2 * t * source * inner);
        var decoder = config.NumDecoderLayers * (self + cross + (t * d * ff));
        return 3 * 2 * (encoder + decoder + (t * d * config.VocabSize));
    }
}
