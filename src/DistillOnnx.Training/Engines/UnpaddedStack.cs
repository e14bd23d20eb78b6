using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Training.Engines.Kernels;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// The encoder or the decoder over sequences that lie end to end without padding, forward and backward. Computes what <c>T5Stack</c>
/// and autograd compute; matrix products are libtorch's, and everything between them is done in passes of its own.
/// </summary>
internal sealed unsafe class UnpaddedStack : IDisposable
{
    private readonly T5Config _config;
    private readonly FlatLayout _layout;
    private readonly Workspace _space;
    private readonly bool _decoder;
    private readonly string _prefix;
    private readonly UnpaddedBlock[] _blocks;
    private readonly AttentionKernel _selfAttention;
    private readonly AttentionKernel _crossAttention;
    private readonly float[][] _biases;
    private int _reach;

    public UnpaddedStack(T5Config config, FlatLayout layout, Workspace space, bool decoder)
    {
        (_config, _layout, _space, _decoder) = (config, layout, space, decoder);
        _prefix = decoder ? "d" : "e";
        _blocks =
            [
                .. Enumerable.Range(0, decoder ? config.NumDecoderLayers : config.NumLayers)
                .Select(i => new UnpaddedBlock(layout, config, decoder, i)),
            ];
        _biases = new float[config.RelativeBiasPerBlock ? _blocks.Length : 1][];
        _selfAttention = new AttentionKernel(config.NumHeads, config.DKv, causal: decoder);
        _crossAttention = new AttentionKernel(config.NumHeads, config.DKv, causal: false);
    }

    /// <summary>Runs the stack.</summary>
    /// <param name="tokens">What it reads.</param>
    /// <param name="sites">Dropout.</param>
    /// <param name="sources">The encoder's sequences; null in an encoder.</param>
    /// <param name="encoded">The encoder's output: [source tokens, d_model]; null in an encoder.</param>
    /// <param name="outputScale">Multiplied into the output.</param>
    /// <returns>[tokens, d_model], after norm and dropout.</returns>
    public Matrix Forward(Ragged tokens, DropoutSites sites, Ragged? sources = null, Matrix? encoded = null, float outputScale = 1)
    {
        int n = tokens.Total, d = _config.DModel, inner = _config.InnerDim;
        PrepareBiases(tokens.Longest);
        var y = Get("y", n, d);
        var x = Get("x0", n, d);
        EmbeddingKernels.Forward(_layout.Weight(T5TensorNames.Shared), tokens.Ids, n, x.Data, d, sites.At(_decoder, -1, 0));
        for (var i = 0; i < _blocks.Length; i++)
        {
            var block = _blocks[i];
            var h = Norm(block.SelfNorm, x, i, "self");
            var qkv = Get($"qkv{i}", n, 3 * inner);
            block.SelfInput.Forward(h, qkv);
            var mixed = Get($"mixed{i}", n, inner);
            fixed (float* bias = BiasOf(_biases, i))
            {
                _selfAttention.Forward(
                    tokens, tokens, SelfInputs(qkv), bias, _reach, mixed.Data, Get($"sums{i}", _config.NumHeads, n).Data,
                    sites.At(_decoder, i, 0));
            }

            block.SelfOutput.Forward(mixed, y);
            x = Residual(x, y, $"x{i}.1", sites.At(_decoder, i, 1));

            if (_decoder)
            {
                h = Norm(block.CrossNorm!, x, i, "cross");
                var q = Get($"q{i}", n, inner);
                block.CrossQuery!.Forward(h, q);
                var kv = Get($"kv{i}", sources!.Total, 2 * inner);
                block.CrossKeyValue!.Forward(encoded!, kv);
                mixed = Get($"crossmixed{i}", n, inner);
                _crossAttention.Forward(
                    tokens, sources, CrossInputs(q, kv), null, 0, mixed.Data, Get($"crosssums{i}", _config.NumHeads, n).Data,
                    sites.At(_decoder, i, 2));
                block.CrossOutput!.Forward(mixed, y);
                x = Residual(x, y, $"x{i}.2", sites.At(_decoder, i, 3));
            }

            h = Norm(block.FeedForwardNorm, x, i, "ff");
            var activated = FeedForward(i, h, sites.At(_decoder, i, 4));
            block.Outer.Forward(activated, y);
            x = Residual(x, y, $"x{i + 1}", sites.At(_decoder, i, 5));
        }

        var output = Norm(T5TensorNames.FinalNorm(_decoder), x, _blocks.Length, "final");
        var last = sites.At(_decoder, -2, 0);
        if (last.IsActive || outputScale != 1) ElementKernels.Drop(output.Data, output.Data, output.Count, last, outputScale);
        return output;
    }

    /// <summary>Sends the gradient back through what <see cref="Forward"/> just computed.</summary>
    /// <param name="tokens">As forward.</param>
    /// <param name="sites">As forward.</param>
    /// <param name="gradient">Of the output: [tokens, d_model]; overwritten.</param>
    /// <param name="add">Whether gradients of matrices are added to, or replaced. Those of vectors and of the embedding are always added
    /// to.</param>
    /// <param name="sources">As forward.</param>
    /// <param name="encoded">As forward.</param>
    /// <param name="outputScale">As forward.</param>
    /// <returns>Gradient of the encoder's output: [source tokens, d_model]; null in an encoder.</returns>
    public Matrix? Backward(
        Ragged tokens, DropoutSites sites, Matrix gradient, bool add, Ragged? sources = null, Matrix? encoded = null, float outputScale = 1)
    {
        int n = tokens.Total, d = _config.DModel, inner = _config.InnerDim;
        var biasGradients = Array.ConvertAll(_biases, b => new float[b.Length]);
        var dEncoded = _decoder ? Get("dencoded", sources!.Total, d) : null;
        var dx = Get("dx", n, d);
        var dy = Get("y", n, d);
        var last = sites.At(_decoder, -2, 0);
        if (last.IsActive || outputScale != 1) ElementKernels.Drop(gradient.Data, gradient.Data, gradient.Count, last, outputScale);
        NormBackward(
            T5TensorNames.FinalNorm(_decoder), Get($"x{_blocks.Length}", n, d), _blocks.Length, "final", gradient, dx, accumulate: false);
        for (var i = _blocks.Length - 1; i >= 0; i--)
        {
            var block = _blocks[i];
            var dropped = sites.At(_decoder, i, 5);
            ElementKernels.Drop(dx.Data, dy.Data, dy.Count, dropped);
            FeedForwardBackward(i, dy, sites.At(_decoder, i, 4), add);
            NormBackward(block.FeedForwardNorm, Get(_decoder ? $"x{i}.2" : $"x{i}.1", n, d), i, "ff", dy, dx, accumulate: true);

            var dMixed = Get("dmixed", n, inner);
            if (_decoder)
            {
                ElementKernels.Drop(dx.Data, dy.Data, dy.Count, sites.At(_decoder, i, 3));
                block.CrossOutput!.Backward(dy, Get($"crossmixed{i}", n, inner), dMixed, add);
                var (q, kv) = (Get($"q{i}", n, inner), Get($"kv{i}", sources!.Total, 2 * inner));
                var (dq, dkv) = (Get("dq", n, inner), Get("dkv", sources.Total, 2 * inner));
                _crossAttention.Backward(
                    tokens, sources, CrossInputs(q, kv), null, 0, Get($"crosssums{i}", _config.NumHeads, n).Data, sites.At(_decoder, i, 2),
                    dMixed.Data, CrossInputs(dq, dkv), null);
                block.CrossKeyValue!.Backward(dkv, encoded!, dEncoded!, add, addInput: i != _blocks.Length - 1);
                block.CrossQuery!.Backward(dq, Get($"hcross{i}", n, d), dy, add);
                NormBackward(block.CrossNorm!, Get($"x{i}.1", n, d), i, "cross", dy, dx, accumulate: true);
            }

            ElementKernels.Drop(dx.Data, dy.Data, dy.Count, sites.At(_decoder, i, 1));
            block.SelfOutput.Backward(dy, Get($"mixed{i}", n, inner), dMixed, add);
            var dqkv = Get("dqkv", n, 3 * inner);
            fixed (float* bias = BiasOf(_biases, i), dBias = BiasOf(biasGradients, i))
            {
                _selfAttention.Backward(
                    tokens, tokens, SelfInputs(Get($"qkv{i}", n, 3 * inner)), bias, _reach, Get($"sums{i}", _config.NumHeads, n).Data,
                    sites.At(_decoder, i, 0),
                    dMixed.Data, SelfInputs(dqkv), dBias);
            }

            block.SelfInput.Backward(dqkv, Get($"hself{i}", n, d), dy, add);
            NormBackward(block.SelfNorm, Get(i == 0 ? "x0" : $"x{i}", n, d), i, "self", dy, dx, accumulate: true);
        }

        var first = sites.At(_decoder, -1, 0);
        if (first.IsActive) ElementKernels.Drop(dx.Data, dx.Data, dx.Count, first);
        EmbeddingKernels.Backward(_layout.Gradient(T5TensorNames.Shared), tokens.Ids, n, dx.Data, d);
        ReturnBiases(biasGradients);
        return dEncoded;
    }

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
    }

    private Matrix FeedForward(int i, Matrix h, Dropout dropout)
    {
        var block = _blocks[i];
        var inner = Get($"inner{i}", h.Rows, block.Inner.Outputs);
        block.Inner.Forward(h, inner);
        if (!_config.IsGated && _config.Activation == T5Activation.Relu)
        {
            ElementKernels.Relu(inner.Data, inner.Count, dropout);
            return inner;
        }

        var activated = Get($"act{i}", h.Rows, _config.DFf);
        ElementKernels.Activate(inner.Data, activated.Data, h.Rows, _config.DFf, _config.IsGated, _config.Activation, dropout);
        return activated;
    }

    private void FeedForwardBackward(int i, Matrix dy, Dropout dropout, bool add)
    {
        var block = _blocks[i];
        var inner = Get($"inner{i}", dy.Rows, block.Inner.Outputs);
        var dActivated = Get("dact", dy.Rows, _config.DFf);
        var h = Get($"hff{i}", dy.Rows, _config.DModel);
        if (!_config.IsGated && _config.Activation == T5Activation.Relu)
        {
            block.Outer.Backward(dy, inner, dActivated, add);
            ElementKernels.ReluBackward(inner.Data, dActivated.Data, dActivated.Count, dropout);
            block.Inner.Backward(dActivated, h, dy, add);
            return;
        }

        block.Outer.Backward(dy, Get($"act{i}", dy.Rows, _config.DFf), dActivated, add);
        ElementKernels.ActivateBackward(inner.Data, dActivated.Data, dy.Rows, _config.DFf, _config.IsGated, _config.Activation, dropout);
        block.Inner.Backward(inner, h, dy, add);
    }

    private Matrix Norm(string name, Matrix x, int block, string place)
    {
        var output = Get($"h{place}{block}", x.Rows, x.Columns);
        NormKernels.Forward(
            x.Data, _layout.Weight(name), output.Data, Get($"scales{place}{block}", 1, x.Rows).Data, x.Rows, x.Columns,
            _config.LayerNormEpsilon);
        return output;
    }

    private void NormBackward(string name, Matrix x, int block, string place, Matrix gradient, Matrix dx, bool accumulate) =>
        NormKernels.Backward(
            x.Data, _layout.Weight(name), Get($"scales{place}{block}", 1, x.Rows).Data, gradient.Data, dx.Data, _layout.Gradient(name),
            x.Rows, x.Columns, accumulate);

    private Matrix Residual(Matrix x, Matrix y, string name, Dropout dropout)
    {
        var output = Get(name, x.Rows, x.Columns);
        ElementKernels.AddDropped(x.Data, y.Data, output.Data, x.Count, dropout);
        return output;
    }

    private AttentionKernel.Inputs SelfInputs(Matrix qkv) =>
        new((IntPtr)qkv.Data, qkv.Columns, (IntPtr)(qkv.Data + _config.InnerDim), (IntPtr)(qkv.Data + (2 * _config.InnerDim)), qkv.Columns);

    private AttentionKernel.Inputs CrossInputs(Matrix q, Matrix kv) =>
        new((IntPtr)q.Data, q.Columns, (IntPtr)kv.Data, (IntPtr)(kv.Data + _config.InnerDim), kv.Columns);

    /// <summary>A block's own bias, or the one that its whole stack has.</summary>
    private static float[] BiasOf(float[][] biases, int block) => biases[Math.Min(block, biases.Length - 1)];

    /// <summary>The relative position biases as functions of distance: [heads, 2·reach − 1] each.</summary>
    private void PrepareBiases(int longest)
    {
        _reach = longest;
        var width = (2 * _reach) - 1;
        for (var block = 0; block < _biases.Length; block++)
        {
            var bias = _biases[block] = new float[_config.NumHeads * width];
            var weight = _layout.Weight(T5TensorNames.RelativeBias(_decoder, block));
            for (var i = 0; i < width; i++)
            {
                var bucket = Bucket(i);
                for (var head = 0; head < _config.NumHeads; head++) bias[(head * width) + i] = weight[(bucket * _config.NumHeads) + head];
            }
        }
    }

    private void ReturnBiases(float[][] gradients)
    {
        var width = (2 * _reach) - 1;
        for (var block = 0; block < gradients.Length; block++)
        {
            var gradient = gradients[block];
            var target = _layout.Gradient(T5TensorNames.RelativeBias(_decoder, block));
            for (var i = 0; i < width; i++)
            {
                var row = target + (Bucket(i) * _config.NumHeads);
                for (var head = 0; head < _config.NumHeads; head++) row[head] += gradient[(head * width) + i];
            }
        }
    }

    private int Bucket(int index) =>
        RelativePosition.Bucket(index - (_reach - 1), !_decoder, _config.RelativeAttentionNumBuckets, _config.RelativeAttentionMaxDistance);

    private Matrix Get(string name, int rows, int columns) => _space.Get(_prefix + name, rows, columns);
}
