using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.TestSupport;

/// <summary>Checkpoints of tiny models with seeded random weights, in a directory that is deleted on disposal.</summary>
internal sealed class TinyCheckpoint : IDisposable
{
    private TinyCheckpoint(string directory, T5Config config)
    {
        Directory = directory;
        Config = config;
    }

    /// <summary>The forms of T5 that must all work: activations, gates, tied and untied heads, unequal depth, widths
    /// that do not add up, other buckets.</summary>
    public static IReadOnlyDictionary<string, T5Config> Variants { get; } = new Dictionary<string, T5Config>
    {
        ["v1.0"] = Shape(T5Activation.Relu, gated: false, tied: true),
        ["v1.1"] = Shape(T5Activation.GeluNew, gated: true, tied: false),
        ["umt5"] = Shape(T5Activation.GeluNew, gated: true, tied: false) with { ModelType = "umt5", NumDecoderLayers = 3 },
        ["gated-silu"] = Shape(T5Activation.Silu, gated: true, tied: true),
        ["gelu"] = Shape(T5Activation.Gelu, gated: false, tied: false),
        ["deep-decoder-wide-heads"] = Shape(T5Activation.Relu, gated: false, tied: true) with
        {
            NumLayers = 1,
            NumDecoderLayers = 3,
            NumHeads = 3,
            DKv = 10,
        },
        ["shallow-decoder-narrow-heads"] = Shape(T5Activation.GeluNew, gated: true, tied: false) with
        {
            NumLayers = 3,
            NumDecoderLayers = 1,
            NumHeads = 2,
            DKv = 4,
        },
        ["few-buckets"] = Shape(T5Activation.Silu, gated: false, tied: true) with
        {
            RelativeAttentionNumBuckets = 8,
            RelativeAttentionMaxDistance = 12,
        },
    };

    /// <summary>The directory.</summary>
    public string Directory { get; }

    /// <summary>The shape.</summary>
    public T5Config Config { get; }

    /// <summary>Writes a checkpoint without tokenizer files.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="seed">Of the weights.</param>
    public static TinyCheckpoint Create(T5Config config, int seed = 1)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("distillonnx-tiny-").FullName;
        var random = new Random(seed);
        var tensors = T5Layout.Enumerate(config).ToList();
        using (var writer = SafetensorsWriter.Create(Path.Combine(directory, CheckpointFiles.Weights), tensors))
        {
            foreach (var tensor in tensors)
            {
                // Scales near 1 that differ, and weights large enough for attention to have preferences.
                var norm = tensor.Name.Contains("layer_norm", StringComparison.Ordinal);
                var spread = tensor.Name == T5TensorNames.Shared || tensor.Name.Contains("relative", StringComparison.Ordinal)
                    ? 1.0
                    : 1.4 / Math.Sqrt(tensor.Shape[^1]);
                var values = new float[tensor.ElementCount];
                for (var i = 0; i < values.Length; i++)
                    values[i] = (float)(norm ? 0.6 + (0.8 * random.NextDouble()) : spread * ((2 * random.NextDouble()) - 1));
                writer.Write(tensor.Name, values);
            }

            writer.Complete();
        }

        CheckpointFiles.WriteConfig(directory, config);
        return new TinyCheckpoint(directory, config);
    }

    /// <inheritdoc/>
    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    private static T5Config Shape(T5Activation activation, bool gated, bool tied) => new()
    {
        VocabSize = 48,
        DModel = 16,
        DKv = 8,
        DFf = 24,
        NumLayers = 2,
        NumDecoderLayers = 2,
        NumHeads = 2,
        Activation = activation,
        IsGated = gated,
        TieWordEmbeddings = tied,
    };
}
