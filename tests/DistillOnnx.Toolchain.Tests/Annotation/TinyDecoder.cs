namespace DistillOnnx.Toolchain.Tests.Annotation;

/// <summary>
/// A decoder-only language model of Llama's form with seeded random weights, and its plain calculation: root mean square norms,
/// grouped-query attention with rotary positions, a gated feed-forward layer.
/// </summary>
internal sealed class TinyDecoder
{
    public const int Hidden = 64, Heads = 4, KeyHeads = 2, HeadSize = 16, Inner = 96, Layers = 2, Context = 2048;
    public const float Epsilon = 1e-5f;

    private const double RotaryBase = 10_000;
    private const int KeyWidth = KeyHeads * HeadSize;

    public TinyDecoder(TinyVocabulary vocabulary, int seed)
    {
        Vocabulary = vocabulary;
        var random = new Random(seed);
        float[] Matrix(int rows, int columns, double scale) =>
            [.. Enumerable.Range(0, rows * columns).Select(_ => (float)(scale * Gaussian(random) / Math.Sqrt(rows)))];
        float[] Norm() => [.. Enumerable.Range(0, Hidden).Select(_ => (float)(1 + 0.1 * Gaussian(random)))];
        Embedding = Matrix(vocabulary.Count, Hidden, Math.Sqrt(vocabulary.Count));
        Blocks = [.. Enumerable.Range(0, Layers).Select(_ => new TinyDecoderBlock(
            Norm(),
            Matrix(Hidden, Hidden, 2),
            Matrix(Hidden, KeyWidth, 2),
            Matrix(Hidden, KeyWidth, 1),
            Matrix(Hidden, Hidden, 1),
            Norm(),
            Matrix(Hidden, Inner, 1),
            Matrix(Hidden, Inner, 1),
            Matrix(Inner, Hidden, 1)))];
        FinalNorm = Norm();
        Head = Matrix(Hidden, vocabulary.Count, 1);
    }

    public TinyVocabulary Vocabulary { get; }

    /// <summary>[vocabulary, hidden].</summary>
    public float[] Embedding { get; }

    public IReadOnlyList<TinyDecoderBlock> Blocks { get; }

    public float[] FinalNorm { get; }

    /// <summary>[hidden, vocabulary].</summary>
    public float[] Head { get; }

    /// <summary>The angle of a pair of a head's elements at a position.</summary>
    public static double Angle(int position, int pair) => position * Math.Pow(RotaryBase, -2.0 * pair / HeadSize);

    /// <summary>Weights the head so that each token is followed by the next one of the list.</summary>
    public TinyDecoder Chain(params int[] tokens)
    {
        const float strength = 20f / Hidden;
        for (var i = 0; i + 1 < tokens.Length; i++)
        {
            for (var j = 0; j < Hidden; j++) Head[j * Vocabulary.Count + tokens[i + 1]] += strength * Embedding[tokens[i] * Hidden + j];
        }

        return this;
    }

    /// <summary>The tokens that follow a prompt, each the most probable one, up to the end token or a number of them.</summary>
    public List<int> Greedy(IEnumerable<int> prompt, int most)
    {
        List<int> tokens = [.. prompt];
        var answer = new List<int>();
        while (answer.Count < most)
        {
            var logits = Logits(tokens);
            var next = Array.IndexOf(logits, logits.Max());
            answer.Add(next);
            if (next == TinyVocabulary.End) break;
            tokens.Add(next);
        }

        return answer;
    }

    private double[] Logits(List<int> tokens)
    {
        var states = tokens.Select(t => Embedding.AsSpan(t * Hidden, Hidden).ToArray().Select(v => (double)v).ToArray()).ToArray();
        foreach (var block in Blocks)
        {
            var normed = states.Select(s => Norm(s, block.AttentionNorm)).ToArray();
            var queries = normed.Select((s, i) => Rotate(Product(s, block.Query), i)).ToArray();
            var keys = normed.Select((s, i) => Rotate(Product(s, block.Key), i)).ToArray();
            var values = normed.Select(s => Product(s, block.Value)).ToArray();
            states = [.. states.Select((s, i) => Add(s, Product(Attend(queries[i], keys[..(i + 1)], values), block.Output)))];
            states = [.. states.Select(s => Add(s, FeedForward(block, Norm(s, block.FeedForwardNorm))))];
        }

        return Product(Norm(states[^1], FinalNorm), Head);
    }

    private static double[] Attend(double[] query, double[][] keys, double[][] values)
    {
        var result = new double[Hidden];
        for (var head = 0; head < Heads; head++)
        {
            var (from, shared) = (head * HeadSize, head / (Heads / KeyHeads) * HeadSize);
            var scores = keys.Select(k => Enumerable.Range(0, HeadSize).Sum(j => query[from
                + j] * k[shared + j]) / Math.Sqrt(HeadSize)).ToArray();
            var weights = scores.Select(s => Math.Exp(s - scores.Max())).ToArray();
            for (var j = 0; j < HeadSize; j++) result[from + j] = weights.Select((w, i) => w * values[i][shared + j]).Sum() / weights.Sum();
        }

        return result;
    }

    private static double[] FeedForward(TinyDecoderBlock block, double[] state)
    {
        var gate = Product(state, block.Gate);
        var up = Product(state, block.Up);
        return Product([.. gate.Select((g, i) => g / (1 + Math.Exp(-g)) * up[i])], block.Down);
    }

    // The first half of a head's elements is turned with the second half.
    private static double[] Rotate(double[] state, int position)
    {
        const int half = HeadSize / 2;
        var turned = new double[state.Length];
        for (var from = 0; from < state.Length; from += HeadSize)
        {
            for (var j = 0; j < half; j++)
            {
                var (sin, cos) = Math.SinCos(Angle(position, j));
                var (a, b) = (state[from + j], state[from + half + j]);
                (turned[from + j], turned[from + half + j]) = (a * cos - b * sin, b * cos + a * sin);
            }
        }

        return turned;
    }

    private static double[] Norm(double[] state, float[] weight)
    {
        var scale = 1 / Math.Sqrt(state.Average(v => v * v) + Epsilon);
        return [.. state.Select((v, i) => v * scale * weight[i])];
    }

    private static double[] Product(double[] state, float[] matrix)
    {
        var result = new double[matrix.Length / state.Length];
        for (var i = 0; i < state.Length; i++)
        {
            for (var j = 0; j < result.Length; j++) result[j] += state[i] * matrix[i * result.Length + j];
        }

        return result;
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Select((v, i) => v + b[i])];

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
