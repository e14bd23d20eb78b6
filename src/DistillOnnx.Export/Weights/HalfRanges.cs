using System.Numerics.Tensors;
using DistillOnnx.Checkpoints;

namespace DistillOnnx.Export.Weights;

/// <summary>
/// Bounds of what a model's layers can give, from its weights alone, and the powers of two that keep these within half precision.
/// A norm gives vectors no longer than √d_model before its weight g, so |w·(g ⊙ x)| ≤ √d_model · ‖w ⊙ g‖ whatever the input is (the
/// inequality of Cauchy and Schwarz). Actual values are some hundred times smaller; as scaling by a power of two is exact, that costs
/// range and no precision.
/// </summary>
/// <param name="weights">The model.</param>
internal sealed class HalfRanges(T5Weights weights)
{
    /// <summary>Half of what half precision holds: room for the rounding of inputs and weights.</summary>
    private const double Limit = 32752;

    // A bound that scaling leaves above this keeps actual values far from the smallest numbers, where precision is lost.
    private const double LeastBound = 4;

    private readonly Dictionary<(bool IsDecoder, int Block), FeedForwardRange> _feedForward = [];
    private readonly Dictionary<int, AttentionRange> _attention = [];
    private int? _encoderResidual;

    /// <summary>
    /// The residual stream of the encoder is held as 2^−this of its true value, in single precision, so that layers give what they add to
    /// it in half precision and nothing has to be multiplied. The norms that read it do not depend on a factor, but for their epsilon.
    /// </summary>
    public int EncoderResidual => _encoderResidual ??= Enumerable.Range(0, weights.Config.NumLayers)
        .Max(block => Exponent(Math.Max(Attention(block).Output, FeedForward(false, block).Output)));

    /// <summary>A feed-forward layer.</summary>
    public FeedForwardRange FeedForward(bool isDecoder, int block)
    {
        if (_feedForward.TryGetValue((isDecoder, block), out var known)) return known;
        var (config, norm) = (weights.Config, T5TensorNames.Norm(isDecoder, block, isDecoder ? 2 : 1));
        string Name(string name) => T5TensorNames.FeedForward(isDecoder, block, name);
        var inner = Outputs(Name(config.IsGated ? "wi_0" : "wi"), norm);
        var (fits, most) = (inner.Max() <= Limit, 0.0);
        if (config.IsGated)
        {
            // Every activation of the family gives no more than it gets.
            var linear = Outputs(Name("wi_1"), norm);
            for (var i = 0; i < inner.Length; i++) inner[i] *= linear[i];
            most = linear.Max();
        }

        // The linear half of a gated layer takes any factor through to the product, and so does ReLU. It has to fit by itself as well:
        // a gate that is nearly shut would make the product small, but not what it is multiplied with.
        var exponent = Exponent(Math.Max(most, inner.Max()));
        fits = config.IsGated ? fits : fits || config.Activation == Core.T5.T5Activation.Relu;
        return _feedForward[(isDecoder, block)] = new FeedForwardRange(fits, exponent, Combined(Name("wo"), inner));
    }

    /// <summary>Self-attention of an encoder's block.</summary>
    public AttentionRange Attention(int block)
    {
        if (_attention.TryGetValue(block, out var known)) return known;
        var (config, norm) = (weights.Config, T5TensorNames.Norm(false, block, 0));
        double[] Bounds(string name) => Outputs(T5TensorNames.SelfAttention(false, block, name), norm);
        var (queries, keys, values) = (Bounds("q"), Bounds("k"), Bounds("v"));
        var scores = 0.0;
        for (var head = 0; head < config.NumHeads; head++)
        {
            double Length(double[] bounds) => Math.Sqrt(bounds.Skip(head * config.DKv).Take(config.DKv).Sum(b => b * b));
            scores = Math.Max(scores, Length(queries) * Length(keys));
        }

        var fits = queries.Max() <= Limit && keys.Max() <= Limit && values.Max() <= Limit;
        var output = Combined(T5TensorNames.SelfAttention(false, block, "o"), values);
        return _attention[block] = new AttentionRange(fits, Exponent(scores), output);
    }

    /// <summary>
    /// How a layer of the encoder gives its output in half precision: as 2^−Exponent of the true value, which afterwards is multiplied by
    /// 2^Rescale to be of the residual stream's scale; 0 nearly always.
    /// </summary>
    /// <param name="bound">The output's bound.</param>
    public (int Exponent, int Rescale) OfResidual(double bound)
    {
        var residual = EncoderResidual;
        if (residual == 0 || Math.ScaleB(bound, -residual) >= LeastBound) return (residual, 0);
        return (Exponent(bound), Exponent(bound) - residual);
    }

    /// <summary>The smallest k ≥ 0 for which 2^−k of a bound is within half precision.</summary>
    public static int Exponent(double bound) => bound <= Limit ? 0 : (int)Math.Ceiling(Math.Log2(bound / Limit));

    /// <summary>Bounds of the outputs of a projection that reads a norm.</summary>
    private double[] Outputs(string projection, string norm)
    {
        var (matrix, gains) = (weights.Stored(projection), weights.Stored(norm).Read());
        var (values, width, root) = (matrix.Read(), matrix.Columns, Math.Sqrt(weights.Config.DModel));
        var bounds = new double[matrix.Rows];
        Parallel.For(0, bounds.Length, row =>
        {
            var scaled = new float[width];
            TensorPrimitives.Multiply(values.AsSpan(row * width, width), gains, scaled);
            bounds[row] = root * TensorPrimitives.Norm<float>(scaled);
        });
        return bounds;
    }

    /// <summary>The largest bound of the outputs of a projection whose inputs have bounds of their own.</summary>
    private double Combined(string projection, double[] inputs)
    {
        var matrix = weights.Stored(projection);
        var (values, width) = (matrix.Read(), matrix.Columns);
        var bounds = new double[matrix.Rows];
        Parallel.For(0, bounds.Length, row =>
        {
            var sum = 0.0;
            for (var i = 0; i < width; i++) sum += Math.Abs(values[(row * width) + i]) * inputs[i];
            bounds[row] = sum;
        });
        return bounds.Max();
    }
}
