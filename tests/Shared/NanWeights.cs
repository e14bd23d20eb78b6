using System.Runtime.InteropServices;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.TestSupport;

/// <summary>Puts NaN into weights of a bundle's graphs, as a faulty disk or conversion would.</summary>
internal static class NanWeights
{
    /// <summary>Spoils what is read of the character <c>~</c> and of nothing else.</summary>
    /// <param name="checkpoint">The checkpoint that the bundle was made from.</param>
    /// <param name="bundle">The bundle; its hashes are made to fit.</param>
    public static void SpoilTilde(string checkpoint, string bundle)
    {
        var token = T5Tokenizer.Load(checkpoint).Encode("~", appendEos: false)[^1];
        Spoil(checkpoint, bundle, T5TensorNames.Shared, token);
    }

    /// <summary>Spoils a row of a weight wherever graphs hold it.</summary>
    /// <param name="checkpoint">The checkpoint that the bundle was made from.</param>
    /// <param name="bundle">The bundle; its hashes are made to fit.</param>
    /// <param name="name">The weight's name.</param>
    /// <param name="row">Which of its rows.</param>
    public static void Spoil(string checkpoint, string bundle, string name, int row = 0)
    {
        using var opened = Checkpoint.Open(checkpoint);
        var values = new float[opened.Config.DModel];
        opened.Tensors.ReadFloat32(name, values, (long)row * values.Length);
        var spoilt = 0;
        foreach (var graph in Directory.EnumerateFiles(Path.Combine(bundle, "onnx")))
        {
            var bytes = File.ReadAllBytes(graph);
            var at = bytes.AsSpan().IndexOf(MemoryMarshal.AsBytes<float>(values));
            if (at < 0) continue;
            MemoryMarshal.AsBytes<float>(Enumerable.Repeat(float.NaN, values.Length).ToArray()).CopyTo(bytes.AsSpan(at));
            File.WriteAllBytes(graph, bytes);
            spoilt++;
        }

        Assert.NotEqual(0, spoilt);
        var manifest = BundleManifest.Load(bundle);
        (manifest with { Files = BundleManifest.Hash(bundle) }).Save(bundle);
    }
}
