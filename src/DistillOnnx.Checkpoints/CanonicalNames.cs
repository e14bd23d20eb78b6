using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Which of a file's tensors stands for which weight, and what the tensors say of the output projection. Files differ in how often
/// they store an embedding and under what name: copies are held against each other, and those that differ are an error.
/// </summary>
internal static class CanonicalNames
{
    private static readonly string[] EmbeddingNames =
        [T5TensorNames.Shared, T5TensorNames.EncoderEmbedding, T5TensorNames.DecoderEmbedding];

    /// <summary>The file's name for each weight that it holds, and the configuration with the head that the tensors show.</summary>
    /// <param name="config">The shape of the model.</param>
    /// <param name="keys">What the configuration says of the head.</param>
    /// <param name="source">The tensors, prefixes taken off.</param>
    /// <param name="file">The file, for messages.</param>
    /// <param name="notes">Receives a line for each tensor that is not used, and for each contradiction.</param>
    /// <exception cref="InputException">The file holds a tensor of another model, or copies of one weight that differ.</exception>
    public static (T5Config Config, Dictionary<string, string> Names) Resolve(
        T5Config config, T5HeadKeys keys, ITensorSource source, string file, List<string> notes)
    {
        var embedding = Embedding(keys, source, file);
        var own = source.Tensors.ContainsKey(T5TensorNames.LmHead) && embedding != T5TensorNames.LmHead && embedding is not null
            && !Same(source, embedding, T5TensorNames.LmHead);
        config = config.WithHead(!own, keys.IsScaled(!own));
        if (own && keys.Tie == true && keys.Scale is null)
            notes.Add(
                $"{file}: \"lm_head.weight\" differs from the embedding although \"tie_word_embeddings\" is true; it is used, "
                    + $"{(config.ScaleDecoderOutputs ? "" : "un")}scaled, as transformers 5 does (transformers 4 would leave it out)");
        if (!own && keys.Tie == false && !source.Tensors.ContainsKey(T5TensorNames.LmHead))
            notes.Add(
                $"{file}: there is no \"lm_head.weight\" although \"tie_word_embeddings\" is false; the embedding is used, "
                    + $"{(config.ScaleDecoderOutputs ? "" : "un")}scaled, as transformers 5 does (transformers 4 would make up a random "
                    + "one)");

        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var weight in T5Layout.Enumerate(config))
        {
            var name = weight.Name == T5TensorNames.Shared ? embedding : weight.Name;
            if (name is not null && source.Tensors.ContainsKey(name)) names.Add(weight.Name, name);
        }

        var copies = EmbeddingNames.Append(T5TensorNames.LmHead).ToHashSet(StringComparer.Ordinal);
        var used = names.Values.ToHashSet(StringComparer.Ordinal);
        foreach (var name in source.Tensors.Keys.Where(n => !used.Contains(n) && !copies.Contains(n)).Order(StringComparer.Ordinal))
            notes.Add($"{file}: {Reason(config, name, file)}");
        return (config, names);
    }

    /// <summary>The name of the embedding; null where there is none. All that are there must be equal.</summary>
    private static string? Embedding(T5HeadKeys keys, ITensorSource source, string file)
    {
        var found = EmbeddingNames.Where(source.Tensors.ContainsKey).ToList();
        foreach (var other in found.Skip(1))
        {
            if (!Same(source, found[0], other))
                throw new InputException(
                    $"{file}: tensor \"{other}\" differs from \"{found[0]}\"; expected one embedding for encoder and decoder");
        }

        if (found.Count > 0) return found[0];
        return source.Tensors.ContainsKey(T5TensorNames.LmHead) && keys.SaysTied ? T5TensorNames.LmHead : null;
    }

    /// <summary>Why a tensor is not used.</summary>
    /// <exception cref="InputException">It would have to be.</exception>
    private static string Reason(T5Config config, string name, string file)
    {
        var shown = $"tensor \"{InputText.Show(name)}\"";
        if (name == T5TensorNames.UnusedCrossAttentionBias) return $"{shown} is not used; cross-attention has no position bias in any T5";
        if (name.Contains("lora_", StringComparison.Ordinal))
            throw new InputException(
                $"{file}: {shown} belongs to an adapter that was not merged; merge it, or save it as an adapter of its own");

        // Some of the first T5 files carry biases of norms that never had any.
        if (name.EndsWith("layer_norm.bias", StringComparison.Ordinal)) return $"{shown} is not used; the norms of a T5 have no bias";
        if (name.StartsWith("encoder.", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal))
        {
            throw new InputException(
                $"{file}: {shown} is not part of the T5 that {T5Config.FileName} describes ({config.NumLayers}+{config.NumDecoderLayers} "
                    + $"blocks, {(config.IsGated ? "gated" : "not gated")})");
        }

        return $"{shown} is not part of a T5 and is left out";
    }

    private static bool Same(ITensorSource source, string a, string b)
    {
        const int Piece = 1 << 14;
        var (left, right) = (source.Tensors[a], source.Tensors[b]);
        if (!left.Shape.SequenceEqual(right.Shape) || !left.Type.IsWeight() || !right.Type.IsWeight()) return false;
        Span<float> x = new float[Piece], y = new float[Piece];
        for (var offset = 0L; offset < left.ElementCount;)
        {
            var count = (int)Math.Min(Piece, left.ElementCount - offset);
            source.ReadFloat32(a, x[..count], offset);
            source.ReadFloat32(b, y[..count], offset);
            if (!MemoryMarshal.AsBytes(x[..count]).SequenceEqual(MemoryMarshal.AsBytes(y[..count]))) return false;
            offset += count;
        }

        return true;
    }
}
