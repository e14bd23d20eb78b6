using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Export.Weights;

/// <summary>A checkpoint's weights as graphs want them: projections are [in, out], so that a graph multiplies x·W.</summary>
internal sealed class T5Weights(T5Config config, ITensorSource tensors)
{
    /// <summary>The shape of the model.</summary>
    public T5Config Config { get; } = config;

    /// <summary>What half precision needs.</summary>
    public HalfRanges Half => field ??= new HalfRanges(this);

    /// <summary>A weight as it is stored.</summary>
    /// <param name="name">Its name in the checkpoint.</param>
    public WeightMatrix Stored(string name)
    {
        var info = tensors.Tensors[name];
        return new WeightMatrix(name, info.Shape, () =>
        {
            var values = new float[info.ElementCount];
            tensors.ReadFloat32(name, values);
            return values;
        });
    }

    /// <summary>A projection [in, out]; the checkpoint stores [out, in].</summary>
    /// <param name="name">Its name in the checkpoint.</param>
    public WeightMatrix Projection(string name) => Stored(name).Transposed();

    /// <summary>The rows [n, d_model] of lm_head for the given tokens, with the scale that a tied one has already in them.</summary>
    /// <param name="tokens">The tokens, in the order of the rows.</param>
    /// <param name="name">The name of the result.</param>
    public WeightMatrix OutputRows(IReadOnlyList<int> tokens, string name)
    {
        var rows = Rows(OutputName, tokens, name);
        return new WeightMatrix(name, rows.Dims, () =>
        {
            var values = rows.Read();
            var scale = OutputScale;
            for (var i = 0; i < values.Length; i++) values[i] *= scale;
            return values;
        });
    }

    /// <summary>The rows [n, d_model] of the embedding for the given tokens.</summary>
    /// <param name="tokens">The tokens, in the order of the rows.</param>
    public float[] EmbeddingRows(IReadOnlyList<int> tokens) => Rows(T5TensorNames.Shared, tokens, "").Read();

    /// <summary>The name of the matrix that gives logits: the embedding where it is tied.</summary>
    public string OutputName => Config.TieWordEmbeddings ? T5TensorNames.Shared : T5TensorNames.LmHead;

    /// <summary>What logits are scaled by: d_model^−0.5 where the decoder's output is scaled.</summary>
    public float OutputScale => Config.ScaleDecoderOutputs ? (float)(1 / Math.Sqrt(Config.DModel)) : 1f;

    private WeightMatrix Rows(string source, IReadOnlyList<int> tokens, string name) => new(name, [tokens.Count, Config.DModel], () =>
    {
        var width = Config.DModel;
        var values = new float[tokens.Count * width];
        for (var i = 0; i < tokens.Count; i++) tensors.ReadFloat32(source, values.AsSpan(i * width, width), (long)tokens[i] * width);
        return values;
    });
}
