using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// A flat tensor of all parameters, cut into the lists that <c>step.py</c> takes. Matrices that share an input lie one after another and
/// are one view: queries, keys and values are one product.
/// </summary>
internal sealed class WeightViews : IDisposable
{
    private readonly ParameterLayout _parameters;
    private readonly List<Tensor> _views = [];

    /// <param name="model">Gives names, places and shapes.</param>
    /// <param name="single">Embedding, norms and relative biases are cut from this: float32 [parameters].</param>
    /// <param name="products">The matrices of products are cut from this: [parameters], in the type that is computed in.</param>
    public WeightViews(T5Model model, Tensor single, Tensor products)
    {
        _parameters = new ParameterLayout(model);
        var head = model.Config.TieWordEmbeddings ? T5TensorNames.Shared : T5TensorNames.LmHead;
        Ends =
        [
            View(single, T5TensorNames.Shared), View(products, head), View(single, T5TensorNames.FinalNorm(false)),
            View(single, T5TensorNames.FinalNorm(true)),
        ];
        Encoder = Blocks(model.Config, single, products, decoder: false);
        Decoder = Blocks(model.Config, single, products, decoder: true);
        EncoderRelative = Relative(model.Config, single, decoder: false);
        DecoderRelative = Relative(model.Config, single, decoder: true);
    }

    /// <summary>Embedding, head, the encoder's final norm and the decoder's.</summary>
    public Tensor[] Ends { get; }

    /// <summary>Six a block: norm, queries with keys and values, output; norm, inner, outer.</summary>
    public Tensor[] Encoder { get; }

    /// <summary>
    /// Ten a block: as in the encoder, with norm, queries, keys with values and output of the attention to the encoder in between.
    /// </summary>
    public Tensor[] Decoder { get; }

    /// <summary>One, or one a block: [buckets, heads].</summary>
    public Tensor[] EncoderRelative { get; }

    /// <summary>One, or one a block: [buckets, heads].</summary>
    public Tensor[] DecoderRelative { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var view in _views) view.Dispose();
    }

    private Tensor[] Blocks(T5Config config, Tensor single, Tensor products, bool decoder)
    {
        var views = new List<Tensor>();
        for (var i = 0; i < (decoder ? config.NumDecoderLayers : config.NumLayers); i++)
        {
            var block = i;
            string Self(string p) => T5TensorNames.SelfAttention(decoder, block, p);
            string Cross(string p) => T5TensorNames.CrossAttention(block, p);
            string Feed(string p) => T5TensorNames.FeedForward(decoder, block, p);
            views.Add(View(single, T5TensorNames.Norm(decoder, i, 0)));
            views.Add(View(products, Self("q"), Self("k"), Self("v")));
            views.Add(View(products, Self("o")));
            if (decoder)
            {
                views.Add(View(single, T5TensorNames.Norm(decoder, i, 1)));
                views.Add(View(products, Cross("q")));
                views.Add(View(products, Cross("k"), Cross("v")));
                views.Add(View(products, Cross("o")));
            }

            views.Add(View(single, T5TensorNames.Norm(decoder, i, decoder ? 2 : 1)));
            views.Add(config.IsGated ? View(products, Feed("wi_0"), Feed("wi_1")) : View(products, Feed("wi")));
            views.Add(View(products, Feed("wo")));
        }

        return [.. views];
    }

    private Tensor[] Relative(T5Config config, Tensor single, bool decoder)
    {
        var blocks = config.RelativeBiasPerBlock ? decoder ? config.NumDecoderLayers : config.NumLayers : 1;
        return [.. Enumerable.Range(0, blocks).Select(i => View(single, T5TensorNames.RelativeBias(decoder, i)))];
    }

    private Tensor View(Tensor flat, params ReadOnlySpan<string> names)
    {
        var (offset, shape) = _parameters.Joined(names);
        using var part = flat.narrow(0, offset, shape.Aggregate(1L, (a, b) => a * b));
        var view = part.view(shape).DetachFromDisposeScope();
        _views.Add(view);
        return view;
    }
}
