using DistillOnnx.Training.Engines.Kernels;

namespace DistillOnnx.Training.Engines;

/// <summary>Hands out the dropout masks of a pass by name, the same ones on the way back.</summary>
/// <param name="Probability">Share that is dropped; 0 outside training.</param>
/// <param name="Seed">Seed of the step and micro-batch.</param>
internal readonly record struct DropoutSites(double Probability, long Seed)
{
    /// <summary>A mask.</summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="block">The block; −1 for what comes before the first and −2 for what comes after the last.</param>
    /// <param name="place">The place within the block.</param>
    public Dropout At(bool decoder, int block, int place) => new(Probability, Seed, ((block + 2) * 16) + (place * 2) + (decoder ? 1 : 0));
}
