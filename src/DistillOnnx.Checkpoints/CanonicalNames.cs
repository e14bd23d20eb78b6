using DistillOnnx.Core;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Which of a file's tensors stands for which weight. Files differ in how often they store a tied embedding and under what
/// name; the reference ties them all to one when it loads, and so does this.
/// </summary>
internal static class CanonicalNames
{
    /// <summary>The file's name for each weight of the configuration that it holds.</summary>
    /// <exception cref="InputException">The file holds a tensor of an encoder or decoder other than the configuration's.</exception>
    public static Dictionary<string, string> Resolve(T5Config config, ITensorSource source, string file, List<string> notes)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var weight in T5Layout.Enumerate(config))
        {
            if (source.Tensors.ContainsKey(weight.Name)) names.Add(weight.Name, weight.Name);
        }

        if (!names.ContainsKey(T5TensorNames.Shared))
        {
            string[] others = config.TieWordEmbeddings
                ? [T5TensorNames.EncoderEmbedding, T5TensorNames.DecoderEmbedding, T5TensorNames.LmHead]
                : [T5TensorNames.EncoderEmbedding, T5TensorNames.DecoderEmbedding];
            if (others.FirstOrDefault(source.Tensors.ContainsKey) is { } other) names.Add(T5TensorNames.Shared, other);
        }

        var used = names.Values.ToHashSet(StringComparer.Ordinal);
        foreach (var name in source.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (used.Contains(name) || name == T5TensorNames.UnusedCrossAttentionBias) continue;
            if (name is T5TensorNames.EncoderEmbedding or T5TensorNames.DecoderEmbedding or T5TensorNames.LmHead)
            {
                if (names.TryGetValue(T5TensorNames.Shared, out var shared) && !Same(source, shared, name))
                    notes.Add($"{file}: tensor \"{name}\" differs from \"{shared}\", to which {T5Config.FileName} ties it; \"{shared}\" is used, as the reference does");
                continue;
            }

            // Some of the first T5 files carry biases of norms that never had any.
            var known = name.EndsWith("layer_norm.bias", StringComparison.Ordinal);
            if (!known && (name.StartsWith("encoder.", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal)))
                throw new InputException($"{file}: tensor \"{InputText.Show(name)}\" is not part of the T5 that {T5Config.FileName} describes ({config.NumLayers}+{config.NumDecoderLayers} blocks, {(config.IsGated ? "gated" : "not gated")})");
            notes.Add($"{file}: tensor \"{InputText.Show(name)}\" is not part of a T5 and is left out");
        }

        return names;
    }

    private static bool Same(ITensorSource source, string a, string b)
    {
        var (left, right) = (source.Tensors[a], source.Tensors[b]);
        if (left.Type != right.Type || !left.Shape.SequenceEqual(right.Shape)) return false;
        Span<byte> x = new byte[1 << 16], y = new byte[1 << 16];
        for (var offset = 0L; offset < left.ByteCount;)
        {
            var count = (int)Math.Min(x.Length, left.ByteCount - offset);
            source.ReadBytes(a, x[..count], offset);
            source.ReadBytes(b, y[..count], offset);
            if (!x[..count].SequenceEqual(y[..count])) return false;
            offset += count;
        }

        return true;
    }
}
