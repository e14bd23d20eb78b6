using DistillOnnx.Data.Selection;
using DistillOnnx.Toolchain.Selection;

namespace DistillOnnx.Toolchain.Tests.Selection;

public sealed class UncertaintyTests
{
    [Theory]
    [InlineData(UncertaintyMeasure.Margin)]
    [InlineData(UncertaintyMeasure.Entropy)]
    [InlineData(UncertaintyMeasure.Change)]
    public void Of_RandomProbabilities_EqualsTheDefinitionWrittenOut(UncertaintyMeasure measure)
    {
        var random = new Random(1);
        for (var trial = 0; trial < 200; trial++)
        {
            double[] scores = [.. Enumerable.Range(0, 2 + trial % 6).Select(_ => Math.Exp(4 * random.NextDouble()))];
            double[] p = [.. scores.Select(s => s / scores.Sum())];

            Assert.Equal(Naive(p, measure), Uncertainty.Of(p, measure), tolerance: 1e-6);
        }
    }

    [Theory]
    [InlineData(UncertaintyMeasure.Margin)]
    [InlineData(UncertaintyMeasure.Entropy)]
    [InlineData(UncertaintyMeasure.Change)]
    public void Of_EqualAndCertainProbabilities_AreTheEndsOfTheScale(UncertaintyMeasure measure)
    {
        Assert.Equal(1, Uncertainty.Of([0.25, 0.25, 0.25, 0.25], measure));
        Assert.Equal(1, Uncertainty.Of([0.5, 0.5], measure));
        Assert.Equal(0, Uncertainty.Of([0, 1, 0], measure));
        Assert.Equal(0, Uncertainty.Of([1], measure));
    }

    [Fact]
    public void TopRows_RandomScoresWithTies_AreThoseThatSortingPutsFirst()
    {
        var random = new Random(2);
        var rows = Enumerable.Range(0, 5000).Select(i => new Candidate(i, random.Next(40), (UInt128)random.NextInt64())).ToList();
        var top = new TopRows(77);
        foreach (var row in rows) top.Add(row);

        Assert.Equal(rows.OrderByDescending(r => r.Score).ThenBy(r => r.Tie).Take(77), top.InOrder());
        Assert.Empty(new TopRows(0).InOrder());
    }

    private static double Naive(double[] p, UncertaintyMeasure measure)
    {
        var sorted = p.OrderDescending().ToArray();
        double Length(int gold) => Math.Sqrt(p.Select((q, i) => Math.Pow(q - (i == gold ? 1 : 0), 2)).Sum());
        return measure switch
        {
            UncertaintyMeasure.Margin => 1 - (sorted[0] - sorted[1]),
            UncertaintyMeasure.Entropy => -p.Sum(q => q * Math.Log2(q)) / Math.Log2(p.Length),
            _ => p.Select((q, i) => q * Length(i)).Sum() / Math.Sqrt(1 - 1.0 / p.Length),
        };
    }
}
