using DistillOnnx.Core.T5;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>
/// T5 once more, written down from the paper and the reference's documentation in double precision and nothing but loops: slow, without
/// batches, padding, caches or gradients, and so with little that could be wrong in the same way as the model under test.
/// </summary>
internal sealed class PlainT5
{
    private readonly T5Config _config;
    private readonly Dictionary<string, double[]> _weights;

    public PlainT5(T5Model model)
    {
        _config = model.Config;
        _weights = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.data<float>().Select(v => (double)v).ToArray());
    }

    /// <summary>Replaces one weight, for differences.</summary>
    public void Add(string name, int index, double value) => _weights[name][index] += value;

    /// <summary>[S][d_model].</summary>
    public double[][] Encode(int[] tokens) => Stack("encoder", _config.NumLayers, tokens, null);

    /// <summary>[T][vocab_size] for decoder inputs as they are, start token included.</summary>
    public double[][] Logits(int[] decoderInput, double[][] encoded)
    {
        var head = _config.TieWordEmbeddings ? "shared.weight" : "lm_head.weight";
        var scale = _config.ScaleDecoderOutputs ? 1 / Math.Sqrt(_config.DModel) : 1;
        return [.. Stack("decoder", _config.NumDecoderLayers, decoderInput, encoded)
            .Select(x => Project(head, [.. x.Select(v => v * scale)]))];
    }

    /// <summary>Mean cross-entropy of the targets, one sequence.</summary>
    public double Loss(int[] tokens, int[] targets)
    {
        var logits = Logits([_config.DecoderStartTokenId, .. targets[..^1]], Encode(tokens));
        return targets.Select((t, i) => Math.Log(logits[i].Sum(Math.Exp)) - logits[i][t]).Average();
    }

    private double[][] Stack(string stack, int blocks, int[] tokens, double[][]? encoded)
    {
        var x = tokens.Select(t => _weights["shared.weight"][(t * _config.DModel)..((t + 1) * _config.DModel)]).ToArray();
        for (var block = 0; block < blocks; block++)
        {
            var prefix = $"{stack}.block.{block}.layer.";
            var normed = Norm(x, $"{prefix}0.layer_norm.weight");
            var bias = $"{stack}.block.{(_config.ModelType == "umt5" ? block : 0)}.layer.0.SelfAttention.relative_attention_bias.weight";
            x = Sum(x, Attend($"{prefix}0.SelfAttention", normed, normed, bias, causal: encoded is not null));
            if (encoded is not null)
                x = Sum(x, Attend($"{prefix}1.EncDecAttention", Norm(x, $"{prefix}1.layer_norm.weight"), encoded, null, causal: false));
            prefix += encoded is null ? "1" : "2";
            x = Sum(x, [.. Norm(x, $"{prefix}.layer_norm.weight").Select(row => FeedForward($"{prefix}.DenseReluDense", row))]);
        }

        return Norm(x, $"{stack}.final_layer_norm.weight");
    }

    private double[][] Attend(string name, double[][] queries, double[][] keys, string? bias, bool causal)
    {
        var (q, k, v) = (Rows("q", queries), Rows("k", keys), Rows("v", keys));
        var output = new double[queries.Length][];
        for (var i = 0; i < queries.Length; i++)
        {
            var mixed = new double[_config.InnerDim];
            for (var head = 0; head < _config.NumHeads; head++)
            {
                var scores = new List<double>();
                for (var j = 0; j < (causal ? i + 1 : keys.Length); j++)
                {
                    var score = 0.0;
                    for (var d = head * _config.DKv; d < (head + 1) * _config.DKv; d++) score += q[i][d] * k[j][d];
                    if (bias is not null) score += _weights[bias][Bucket(j - i, !causal) * _config.NumHeads + head];
                    scores.Add(score);
                }

                var sum = scores.Sum(Math.Exp);
                for (var j = 0; j < scores.Count; j++)
                {
                    for (var d = head * _config.DKv; d < (head + 1) * _config.DKv; d++) mixed[d] += Math.Exp(scores[j]) / sum * v[j][d];
                }
            }

            output[i] = Project($"{name}.o.weight", mixed);
        }

        return output;

        double[][] Rows(string projection, double[][] rows) => [.. rows.Select(r => Project($"{name}.{projection}.weight", r))];
    }

    /// <summary>Section 2.1 of the paper; the reference gives the encoder's later half of buckets to keys on the right.</summary>
    private int Bucket(int distance, bool bidirectional)
    {
        var buckets = bidirectional ? _config.RelativeAttentionNumBuckets / 2 : _config.RelativeAttentionNumBuckets;
        var right = bidirectional && distance > 0 ? buckets : 0;
        var far = bidirectional ? Math.Abs(distance) : Math.Max(0, -distance);
        var exact = buckets / 2;
        if (far < exact) return right + far;
        var log = Math.Log((double)far / exact) / Math.Log((double)_config.RelativeAttentionMaxDistance / exact);
        return right + Math.Min(buckets - 1, exact + (int)(log * (buckets - exact) + 1e-6));
    }

    private double[] FeedForward(string name, double[] x)
    {
        var inner = Project($"{name}.{(_config.IsGated ? "wi_0" : "wi")}.weight", x).Select(Activate).ToArray();
        if (_config.IsGated)
        {
            var gate = Project($"{name}.wi_1.weight", x);
            for (var i = 0; i < inner.Length; i++) inner[i] *= gate[i];
        }

        return Project($"{name}.wo.weight", inner);
    }

    private double Activate(double x) => _config.Activation switch
    {
        T5Activation.Relu => Math.Max(0, x),
        T5Activation.Silu => x / (1 + Math.Exp(-x)),
        T5Activation.GeluNew => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        _ => x * Gauss(x),
    };

    /// <summary>The normal distribution function, by its power series.</summary>
    private static double Gauss(double x)
    {
        double term = x, sum = x;
        for (var n = 1; n < 300 && Math.Abs(term) > 1e-18; n++)
        {
            term *= x * x / (2 * n + 1);
            sum += term;
        }

        return 0.5 + sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
    }

    private double[][] Norm(double[][] x, string name) => [.. x.Select(row =>
    {
        var scale = 1 / Math.Sqrt(row.Select(v => v * v).Average() + _config.LayerNormEpsilon);
        return row.Select((v, i) => v * scale * _weights[name][i]).ToArray();
    })];

    private double[] Project(string name, double[] x)
    {
        var weight = _weights[name];
        var y = new double[weight.Length / x.Length];
        for (var o = 0; o < y.Length; o++)
        {
            for (var i = 0; i < x.Length; i++) y[o] += weight[o * x.Length + i] * x[i];
        }

        return y;
    }

    private static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (u, w) => u + w).ToArray())];
}
