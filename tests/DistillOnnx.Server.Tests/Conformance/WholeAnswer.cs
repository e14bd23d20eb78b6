namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>All that an answer says, whatever interface it came by. Numbers are of single precision, which KServe's tensors have.</summary>
internal sealed record WholeAnswer(
    string Label, float Probability, IReadOnlyList<float> Probabilities, bool Abstained, bool Truncated, string Version, string? Rationale)
{
    // What the order of additions in a batch changes.
    private const float Rounding = 1e-5f;

    /// <summary>Compares two answers to a row.</summary>
    public static void AssertSame(WholeAnswer expected, WholeAnswer found, string row)
    {
        Assert.Equal(
            (row, expected.Label, expected.Abstained, expected.Truncated, expected.Version, expected.Rationale),
            (row, found.Label, found.Abstained, found.Truncated, found.Version, found.Rationale));
        Assert.Equal(expected.Probability, found.Probability, Rounding);
        Assert.Equal(expected.Probabilities.Count, found.Probabilities.Count);
        for (var i = 0; i < expected.Probabilities.Count; i++) Assert.Equal(expected.Probabilities[i], found.Probabilities[i], Rounding);
    }
}
