namespace DistillOnnx.Toolchain.Export;

/// <summary>Largest difference between two outputs, relative to the largest magnitude of the reference.</summary>
internal static class ParityError
{
    /// <summary>Compares all elements.</summary>
    /// <param name="reference">The checkpoint's.</param>
    /// <param name="found">The graph's.</param>
    public static double Of(ReadOnlySpan<float> reference, ReadOnlySpan<float> found)
    {
        if (reference.Length != found.Length) return double.PositiveInfinity;
        double difference = 0, magnitude = 0;
        for (var i = 0; i < reference.Length; i++)
        {
            // Not Math.Max alone: a NaN anywhere must come out as infinite, not be swallowed.
            if (!float.IsFinite(found[i]) || !float.IsFinite(reference[i])) return double.PositiveInfinity;
            difference = Math.Max(difference, Math.Abs((double)reference[i] - found[i]));
            magnitude = Math.Max(magnitude, Math.Abs((double)reference[i]));
        }

        return magnitude > 0 ? difference / magnitude : difference;
    }

    /// <summary>Compares encoder states where there is a token; values at padding are ignored.</summary>
    public static double OfStates(ParityCase batch, ReadOnlySpan<float> reference, ReadOnlySpan<float> found)
    {
        if (reference.Length != found.Length) return double.PositiveInfinity;
        var width = reference.Length / (batch.Rows * batch.Length);
        double difference = 0, magnitude = 0;
        for (var i = 0; i < batch.AttentionMask.Length; i++)
        {
            if (batch.AttentionMask[i] == 0) continue;
            for (var j = i * width; j < (i + 1) * width; j++)
            {
                if (!float.IsFinite(found[j]) || !float.IsFinite(reference[j])) return double.PositiveInfinity;
                difference = Math.Max(difference, Math.Abs((double)reference[j] - found[j]));
                magnitude = Math.Max(magnitude, Math.Abs((double)reference[j]));
            }
        }

        return magnitude > 0 ? difference / magnitude : difference;
    }

    /// <summary>Compares log-probabilities; magnitudes below one count as one, since a probability near one has a
    /// logarithm near nothing.</summary>
    public static double OfLogProbabilities(IReadOnlyList<double> reference, ReadOnlySpan<float> found)
    {
        double difference = 0, magnitude = 1;
        for (var i = 0; i < reference.Count; i++)
        {
            if (!float.IsFinite(found[i]) || !double.IsFinite(reference[i])) return double.PositiveInfinity;
            difference = Math.Max(difference, Math.Abs(reference[i] - found[i]));
            magnitude = Math.Max(magnitude, Math.Abs(reference[i]));
        }

        return difference / magnitude;
    }
}
