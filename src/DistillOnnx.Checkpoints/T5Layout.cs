using DistillOnnx.Core;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Every weight that a configuration implies, by name and shape. Nothing is allocated but names, however large the model.
/// </summary>
public static class T5Layout
{
    private static readonly string[] Attention = ["q", "k", "v", "o"];

    /// <summary>The weights in the reference's order: embedding, encoder, decoder, lm_head where it is untied.</summary>
    /// <param name="config">The shape of the model.</param>
    /// <param name="type">The element type to give them.</param>
    public static IEnumerable<TensorInfo> Enumerate(T5Config config, TensorType type = TensorType.Float32)
    {
        yield return new TensorInfo(T5TensorNames.Shared, type, [config.VocabSize, config.DModel]);
        foreach (var decoder in (bool[])[false, true])
        {
            var blocks = decoder ? config.NumDecoderLayers : config.NumLayers;
            for (var block = 0; block < blocks; block++)
            {
                foreach (var (name, shape) in Block(config, decoder, block)) yield return new TensorInfo(name, type, shape);
            }

            yield return new TensorInfo(T5TensorNames.FinalNorm(decoder), type, [config.DModel]);
        }

        if (!config.TieWordEmbeddings) yield return new TensorInfo(T5TensorNames.LmHead, type, [config.VocabSize, config.DModel]);
    }

    /// <summary>
    /// The tensors that a file of the model holds, each with the weight that it is. They are the weights and, where the embedding is
    /// the head but its input is not scaled, the embedding once more as <c>lm_head.weight</c>: transformers 4 scales every head that it
    /// ties.
    /// </summary>
    /// <param name="config">The shape of the model.</param>
    /// <param name="type">The element type to give them.</param>
    public static IEnumerable<(TensorInfo Tensor, string Weight)> EnumerateStored(T5Config config, TensorType type = TensorType.Float32)
    {
        foreach (var tensor in Enumerate(config, type)) yield return (tensor, tensor.Name);
        if (config is { TieWordEmbeddings: true, ScaleDecoderOutputs: false })
            yield return (new TensorInfo(T5TensorNames.LmHead, type, [config.VocabSize, config.DModel]), T5TensorNames.Shared);
    }

    /// <summary>
    /// Checks that tensors are those of a model: all there, each of the right shape and of a type that weights can be read from.
    /// </summary>
    /// <param name="config">The shape of the model.</param>
    /// <param name="tensors">The tensors under canonical names; further ones are not looked at.</param>
    /// <param name="source">Named in messages.</param>
    /// <exception cref="InputException">A tensor is missing or differs; the message names the first, what was expected and what was
    /// found.</exception>
    public static void Validate(T5Config config, IReadOnlyDictionary<string, TensorInfo> tensors, string source)
    {
        foreach (var expected in Enumerate(config))
        {
            if (!tensors.TryGetValue(expected.Name, out var found))
                throw new InputException(
                    $"{source}: tensor \"{expected.Name}\" is missing; {T5Config.FileName} asks for it with shape {expected.ShapeText}");
            if (!found.Shape.SequenceEqual(expected.Shape))
                throw new InputException(
                    $"{source}: tensor \"{expected.Name}\": expected shape {expected.ShapeText} from {T5Config.FileName}, found "
                        + $"{found.ShapeText}");
            if (!found.Type.IsWeight())
                throw new InputException($"{source}: tensor \"{expected.Name}\": expected F32, F16 or BF16, found {found.Type.Code()}");
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Block(T5Config config, bool decoder, int block)
    {
        long[] model = [config.DModel];
        foreach (var p in Attention) yield return (T5TensorNames.SelfAttention(decoder, block, p), Projection(config, p));
        if (block == 0 || config.RelativeBiasPerBlock)
            yield return (T5TensorNames.RelativeBias(decoder, block), [config.RelativeAttentionNumBuckets, config.NumHeads]);
        yield return (T5TensorNames.Norm(decoder, block, 0), model);
        if (decoder)
        {
            foreach (var p in Attention) yield return (T5TensorNames.CrossAttention(block, p), Projection(config, p));
            yield return (T5TensorNames.Norm(decoder, block, 1), model);
        }

        foreach (var p in config.IsGated ? (string[])["wi_0", "wi_1"] : ["wi"])
            yield return (T5TensorNames.FeedForward(decoder, block, p), [config.DFf, config.DModel]);
        yield return (T5TensorNames.FeedForward(decoder, block, "wo"), [config.DModel, config.DFf]);
        yield return (T5TensorNames.Norm(decoder, block, decoder ? 2 : 1), model);
    }

    private static long[] Projection(T5Config config, string projection) =>
        projection == "o" ? [config.DModel, config.InnerDim] : [config.InnerDim, config.DModel];
}
