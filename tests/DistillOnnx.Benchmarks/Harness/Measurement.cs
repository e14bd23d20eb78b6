using System.Collections;

namespace DistillOnnx.Benchmarks.Harness;

/// <summary>Times of several variants, round by round.</summary>
/// <param name="names">The variants.</param>
internal sealed class Measurement(IReadOnlyList<string> names) : IEnumerable<KeyValuePair<string, Timing>>
{
    private readonly List<double[]> _rounds = [];

    /// <summary>What a variant took, in milliseconds.</summary>
    /// <param name="name">The variant.</param>
    public Timing this[string name] => Timing.Of([.. Samples(name)]);

    /// <summary>Adds a round: one time in milliseconds a variant.</summary>
    public void Add(double[] times) => _rounds.Add(times);

    /// <summary>
    /// How many times as long as another a variant takes: the median of the rounds' own ratios. Both runs of a round share what
    /// the machine did just then, which the ratio of two medians would mix.
    /// </summary>
    /// <param name="numerator">The variant.</param>
    /// <param name="denominators">The other; where it ran several times in a round, all its names, whose mean counts.</param>
    public double Ratio(string numerator, params string[] denominators)
    {
        var others = denominators.Select(d => Samples(d).ToArray()).ToArray();
        return Timing.Of([.. Samples(numerator).Select((time, round) => time / others.Average(o => o[round]))]).Median;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Timing>> GetEnumerator() => names.Select(n => KeyValuePair.Create(n, this[n])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerable<double> Samples(string name)
    {
        var place = names.Index().First(n => n.Item == name).Index;
        return _rounds.Select(r => r[place]);
    }
}
