using DistillOnnx.Core.T5;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Shapes that no public checkpoint combines, small enough for anything.</summary>
internal static class TinyModels
{
    private static readonly T5Config Plain =
        new() { VocabSize = 37, DModel = 12, DKv = 5, DFf = 20, NumLayers = 2, NumDecoderLayers = 2, NumHeads = 3, DropoutRate = 0.1f };

    private static readonly Dictionary<string, T5Config> Configs = new()
    {
        ["v1.0"] = Plain with { DKv = 4 },
        ["v1.1"] = Plain with { Activation = T5Activation.GeluNew, IsGated = true, TieWordEmbeddings = false },
        ["umt5"] = Plain with { ModelType = "umt5", Activation = T5Activation.GeluNew, IsGated = true, TieWordEmbeddings = false },
        ["unequal-depth"] = Plain with { NumLayers = 1, NumDecoderLayers = 3, TieWordEmbeddings = false },
        ["wide-heads-few-buckets"] =
            Plain with { NumHeads = 2, DKv = 11, RelativeAttentionNumBuckets = 6, RelativeAttentionMaxDistance = 9 },
        ["gated-silu"] = Plain with { Activation = T5Activation.Silu, IsGated = true, NumLayers = 3, NumDecoderLayers = 1 },
        ["gelu-untied"] = Plain with { Activation = T5Activation.Gelu, TieWordEmbeddings = false, LayerNormEpsilon = 1e-3f },
        ["gated-relu-odd-buckets"] =
            Plain with
            {
                Activation = T5Activation.Relu,
                IsGated = true,
                RelativeAttentionNumBuckets = 13,
                RelativeAttentionMaxDistance = 20
            },
    };

    public static TheoryData<string> Names => [.. Configs.Keys];

    /// <summary>
    /// A model in evaluation mode whose norms and biases were moved off their initial values, so that one left out shows.
    /// </summary>
    public static T5Model Create(string name, long seed = 7)
    {
        var model = new T5Model(Configs[name], seed: seed);
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed + 1, CPU);
        foreach (var (parameter, tensor) in model.named_parameters())
        {
            using var scope = NewDisposeScope();
            if (parameter.Contains("norm", StringComparison.Ordinal)) tensor.add_(randn(tensor.shape, generator: generator) * 0.3);
            if (parameter.Contains("bias", StringComparison.Ordinal)) tensor.add_(randn(tensor.shape, generator: generator));
        }

        model.eval();
        return model;
    }

    /// <summary>Token sequences of the given lengths, without padding, start or end tokens.</summary>
    public static int[][] Tokens(T5Model model, int seed, params int[] lengths)
    {
        var random = new Random(seed);
        return [.. lengths.Select(l => Enumerable.Range(0, l).Select(_ => random.Next(2, model.Config.VocabSize)).ToArray())];
    }
}
