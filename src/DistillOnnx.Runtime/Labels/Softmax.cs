namespace DistillOnnx.Runtime.Labels;

/// <summary>Softmax over few values, in double so that nothing is lost to it.</summary>
internal static class Softmax
{
    /// <summary>Natural logarithms of the softmax of <paramref name="values"/> / <paramref name="temperature"/>.</summary>
    /// <param name="values">Logits or log-probabilities, at least one of them finite.</param>
    /// <param name="temperature">Above 0; 1 leaves log-probabilities as they are.</param>
    public static double[] Log(ReadOnlySpan<double> values, double temperature = 1)
    {
        var result = new double[values.Length];
        var max = double.NegativeInfinity;
        for (var i = 0; i < values.Length; i++)
        {
            result[i] = values[i] / temperature;
            max = Math.Max(max, result[i]);
        }

        var sum = 0d;
        foreach (var value in result) sum += Math.Exp(value - max);
        var normalizer = max + Math.Log(sum);
        for (var i = 0; i < result.Length; i++) result[i] -= normalizer;
        return result;
    }
}
