using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.TestSupport;

/// <summary>Checkpoints of seeded random weights, scaled as T5 initialises them, with norms and biases moved so that
/// one left out shows.</summary>
internal static class RandomCheckpoint
{
    /// <summary>A shape in which no two dimensions coincide and encoder and decoder differ in depth.</summary>
    public static T5Config Uneven { get; } = new()
    {
        VocabSize = 256,
        DModel = 48,
        DKv = 20,
        DFf = 96,
        NumLayers = 3,
        NumDecoderLayers = 2,
        NumHeads = 3,
        RelativeAttentionNumBuckets = 16,
        RelativeAttentionMaxDistance = 40,
    };

    /// <summary>Writes a checkpoint directory.</summary>
    /// <param name="directory">Created.</param>
    /// <param name="config">Shape.</param>
    /// <param name="task">The task that it says it was trained for; null: none.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="spieceModel">The tokenizer; null: none.</param>
    public static void Write(string directory, T5Config config, TaskSpec? task, int seed = 1, byte[]? spieceModel = null)
    {
        Directory.CreateDirectory(directory);
        var tensors = T5Layout.Enumerate(config).ToArray();
        var random = new Random(seed);
        using (var writer = SafetensorsWriter.Create(Path.Combine(directory, CheckpointFiles.Weights), tensors))
        {
            foreach (var tensor in tensors) writer.Write(tensor.Name, Values(config, tensor, random));
            writer.Complete();
        }

        CheckpointFiles.WriteConfig(directory, config);
        task?.Save(directory);
        if (spieceModel is not null) File.WriteAllBytes(Path.Combine(directory, "spiece.model"), spieceModel);
    }

    /// <summary>Random values of a weight.</summary>
    public static float[] Values(T5Config config, TensorInfo tensor, Random random)
    {
        var values = new float[tensor.ElementCount];
        var (mean, deviation) = Scale(config, tensor.Name);
        for (var i = 0; i < values.Length; i++) values[i] = (float)(mean + (deviation * Gaussian(random)));
        return values;
    }

    private static (double Mean, double Deviation) Scale(T5Config config, string name)
    {
        bool Ends(string suffix) => name.EndsWith(suffix, StringComparison.Ordinal);
        if (Ends("norm.weight")) return (1, 0.1);
        if (Ends("relative_attention_bias.weight")) return (0, 0.5);
        if (Ends("shared.weight") || Ends("lm_head.weight")) return (0, 1);
        if (Ends(".q.weight")) return (0, Math.Pow(config.DModel * (double)config.DKv, -0.5) * 3);
        if (Ends(".o.weight")) return (0, Math.Pow(config.InnerDim, -0.5));
        return Ends(".wo.weight") ? (0, Math.Pow(config.DFf, -0.5)) : (0, Math.Pow(config.DModel, -0.5));
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
