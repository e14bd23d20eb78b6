using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.TestSupport;

/// <summary>
/// T5 written down once more, in loops over arrays and double precision, from the definition alone: what every other form
/// of the model is compared with. One row at a time, no padding, no cache, no speed.
/// </summary>
internal sealed class ReferenceT5(T5Config config, ITensorSource tensors)
{
    private readonly Dictionary<string, double[]> _weights = new(StringComparer.Ordinal);

    /// <summary>Encoder output [S][d_model] of one row of tokens without padding.</summary>
    public double[][] Encode(IReadOnlyList<int> tokens)
    {
        var x = Embed(tokens);
        for (var block = 0; block < config.NumLayers; block++)
        {
            var bias = Bias(tokens.Count, decoder: false, block);
            var normed = Norm(x, T5TensorNames.Norm(false, block, 0));
            AddTo(x, Attention(normed, normed, bias, p => T5TensorNames.SelfAttention(false, block, p)));
            AddTo(x, FeedForward(Norm(x, T5TensorNames.Norm(false, block, 1)), false, block));
        }

        return Norm(x, T5TensorNames.FinalNorm(false));
    }

    /// <summary>Logits [T][vocab_size] of one row of decoder tokens over an encoder's output.</summary>
    public double[][] Decode(IReadOnlyList<int> tokens, double[][] encoded)
    {
        var x = Embed(tokens);
        for (var block = 0; block < config.NumDecoderLayers; block++)
        {
            var bias = Bias(tokens.Count, decoder: true, block);
            var normed = Norm(x, T5TensorNames.Norm(true, block, 0));
            AddTo(x, Attention(normed, normed, bias, p => T5TensorNames.SelfAttention(true, block, p)));
            normed = Norm(x, T5TensorNames.Norm(true, block, 1));
            AddTo(x, Attention(normed, encoded, null, p => T5TensorNames.CrossAttention(block, p)));
            AddTo(x, FeedForward(Norm(x, T5TensorNames.Norm(true, block, 2)), true, block));
        }

        x = Norm(x, T5TensorNames.FinalNorm(true));
        if (config.ScaleDecoderOutputs)
        {
            foreach (var row in x)
            {
                for (var i = 0; i < row.Length; i++) row[i] /= Math.Sqrt(config.DModel);
            }
        }

        return Project(x, config.TieWordEmbeddings ? T5TensorNames.Shared : T5TensorNames.LmHead, config.VocabSize);
    }

    /// <summary>
    /// Log-probability of each label by constrained decoding: at every step a softmax over the tokens with which some label
    /// that fits so far goes on.
    /// </summary>
    /// <param name="input">The input's tokens.</param>
    /// <param name="labels">Each label's tokens, end token included.</param>
    public double[] LabelLogProbabilities(IReadOnlyList<int> input, IReadOnlyList<IReadOnlyList<int>> labels)
    {
        var encoded = Encode(input);
        return
        [
            .. labels.Select(label =>
            {
                var sum = 0.0;
                for (var step = 0; step < label.Count; step++)
                {
                    var prefix = label.Take(step).ToArray();
                    var allowed = labels.Where(l => l.Count > step && l.Take(step).SequenceEqual(prefix))
                        .Select(l => l[step])
                        .Distinct()
                        .ToArray();
                    var logits = Decode([config.DecoderStartTokenId, .. prefix], encoded)[^1];
                    var most = allowed.Max(t => logits[t]);
                    sum += logits[label[step]] - most - Math.Log(allowed.Sum(t => Math.Exp(logits[t] - most)));
                }

                return sum;
            }),
        ];
    }

    private double[][] Embed(IReadOnlyList<int> tokens)
    {
        var table = Weight(T5TensorNames.Shared);
        return [.. tokens.Select(t => table[(t * config.DModel)..((t + 1) * config.DModel)])];
    }

    private double[][] Norm(double[][] x, string name)
    {
        var scale = Weight(name);
        return
        [
            .. x.Select(row =>
            {
                var root = Math.Sqrt((row.Sum(v => v * v) / row.Length) + config.LayerNormEpsilon);
                return row.Select((v, i) => v / root * scale[i]).ToArray();
            }),
        ];
    }

    /// <summary>[H][Q][K]; the decoder's hides what lies ahead.</summary>
    private double[][][] Bias(int length, bool decoder, int block)
    {
        var owner = config.ModelType == "umt5" ? block : 0;
        var table = Weight($"{(decoder ? "decoder" : "encoder")}.block.{owner}.layer.0.SelfAttention.relative_attention_bias.weight");
        return
        [
            .. Enumerable.Range(0, config.NumHeads).Select(h =>
                Enumerable.Range(0, length).Select(q => Enumerable.Range(0, length).Select(k =>
                    decoder && k > q
                        ? double.NegativeInfinity
                        : table[(Bucket(k - q, decoder) * config.NumHeads) + h]).ToArray()).ToArray()),
        ];
    }

    /// <summary>Bucket of a distance, from the paper's words; rounded where the reference rounds, to single precision.</summary>
    private int Bucket(int distance, bool decoder)
    {
        var buckets = decoder ? config.RelativeAttentionNumBuckets : config.RelativeAttentionNumBuckets / 2;
        var offset = !decoder && distance > 0 ? buckets : 0;
        var far = decoder ? Math.Max(0, -distance) : Math.Abs(distance);
        var exact = buckets / 2;
        if (far < exact) return offset + far;
        var logarithmic = (float)Math.Log((float)far / exact) / (float)Math.Log((double)config.RelativeAttentionMaxDistance / exact);
        return offset + Math.Min(buckets - 1, exact + (int)(logarithmic * (buckets - exact)));
    }

    private double[][] Attention(double[][] queries, double[][] states, double[][][]? bias, Func<string, string> name)
    {
        var (q, k, v) = (
            Project(queries, name("q"), config.InnerDim),
            Project(states, name("k"), config.InnerDim),
            Project(states, name("v"), config.InnerDim));
        var mixed = queries.Select(_ => new double[config.InnerDim]).ToArray();
        for (var head = 0; head < config.NumHeads; head++)
        {
            var from = head * config.DKv;
            for (var i = 0; i < q.Length; i++)
            {
                var scores = new double[k.Length];
                for (var j = 0; j < k.Length; j++)
                {
                    for (var c = from; c < from + config.DKv; c++) scores[j] += q[i][c] * k[j][c];
                    if (bias is not null) scores[j] += bias[head][i][j];
                }

                var most = scores.Max();
                var total = scores.Sum(s => Math.Exp(s - most));
                for (var j = 0; j < k.Length; j++)
                {
                    var share = Math.Exp(scores[j] - most) / total;
                    for (var c = from; c < from + config.DKv; c++) mixed[i][c] += share * v[j][c];
                }
            }
        }

        return Project(mixed, name("o"), config.DModel);
    }

    private double[][] FeedForward(double[][] x, bool decoder, int block)
    {
        string Name(string p) => T5TensorNames.FeedForward(decoder, block, p);
        var inner = Project(x, Name(config.IsGated ? "wi_0" : "wi"), config.DFf);
        foreach (var row in inner)
        {
            for (var i = 0; i < row.Length; i++) row[i] = Activate(row[i]);
        }

        if (config.IsGated)
        {
            var gate = Project(x, Name("wi_1"), config.DFf);
            for (var r = 0; r < inner.Length; r++)
            {
                for (var i = 0; i < inner[r].Length; i++) inner[r][i] *= gate[r][i];
            }
        }

        return Project(inner, Name("wo"), config.DModel);
    }

    private double Activate(double x) => config.Activation switch
    {
        T5Activation.Relu => Math.Max(0, x),
        T5Activation.Silu => x / (1 + Math.Exp(-x)),
        T5Activation.Gelu => x * NormalCumulative(x),
        _ => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
    };

    /// <summary>Φ(x) by the series of its density, which converges fast where activations lie.</summary>
    private static double NormalCumulative(double x)
    {
        if (Math.Abs(x) > 8) return x > 0 ? 1 : 0;
        var (term, sum) = (x, x);
        for (var n = 3; n < 300; n += 2) sum += term *= x * x / n;
        return 0.5 + (sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI));
    }

    /// <summary>x·Wᵀ for W [columns, width].</summary>
    private double[][] Project(double[][] x, string name, int columns)
    {
        var w = Weight(name);
        return
        [
            .. x.Select(row =>
            {
                var result = new double[columns];
                for (var c = 0; c < columns; c++)
                {
                    var sum = 0.0;
                    for (var i = 0; i < row.Length; i++) sum += row[i] * w[(c * row.Length) + i];
                    result[c] = sum;
                }

                return result;
            }),
        ];
    }

    private static void AddTo(double[][] x, double[][] delta)
    {
        for (var r = 0; r < x.Length; r++)
        {
            for (var i = 0; i < x[r].Length; i++) x[r][i] += delta[r][i];
        }
    }

    private double[] Weight(string name)
    {
        if (_weights.TryGetValue(name, out var known)) return known;
        var values = new float[tensors.Tensors[name].ElementCount];
        tensors.ReadFloat32(name, values);
        return _weights[name] = [.. values.Select(v => (double)v)];
    }
}
