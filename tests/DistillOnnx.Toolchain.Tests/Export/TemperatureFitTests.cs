using DistillOnnx.Toolchain.Export;

namespace DistillOnnx.Toolchain.Tests.Export;

public sealed class TemperatureFitTests
{
    /// <summary>Labels drawn from the very probabilities, then sharpened by a known power: the fit must undo it.</summary>
    [Theory]
    [InlineData(0.4)]
    [InlineData(1.0)]
    [InlineData(2.5)]
    public void Fit_ProbabilitiesSharpenedByAKnownPower_FindsIt(double temperature)
    {
        var random = new Random(11);
        var scores = new List<IReadOnlyList<double>>();
        var gold = new List<int>();
        for (var row = 0; row < 20_000; row++)
        {
            var calibrated = TemperatureFit.Scale([3 * random.NextDouble(), 3 * random.NextDouble(), 3 * random.NextDouble()], 1);
            var draw = random.NextDouble();
            var label = 0;
            while (label < 2 && (draw -= Math.Exp(calibrated[label])) > 0) label++;
            gold.Add(label);
            scores.Add(TemperatureFit.Scale(calibrated, 1 / temperature));
        }

        var fit = TemperatureFit.Fit(scores, gold);
        Assert.Equal(temperature, fit.Temperature, 0.1 * temperature);
        Assert.InRange(fit.EceAfter, 0, 0.02);
        if (temperature != 1) Assert.True(fit.EceAfter < fit.EceBefore);
    }

    /// <summary>A model that was right on every row is as sure as that many rows allow, and not more.</summary>
    [Theory]
    [InlineData(10, 2.0)]
    [InlineData(400, 2.0)]
    [InlineData(400, 12.0)]
    public void Fit_EveryRowRight_StopsShortOfCertainty(int rows, double margin)
    {
        var scores = Enumerable.Range(0, rows).Select(i => (IReadOnlyList<double>)TemperatureFit.Scale([
            margin + (0.01 * (i % 7)), 0, 0
        ], 1)).ToArray();
        var fit = TemperatureFit.Fit(scores, [.. Enumerable.Repeat(0, rows)]);
        var sureness = scores.Average(s => Math.Exp(TemperatureFit.Scale(s, fit.Temperature)[0]));
        Assert.Equal(1 - (1.0 / (rows + 2)), sureness, 0.2 / rows);
    }

    [Fact]
    public void Scale_AnyTemperature_KeepsTheOrderAndSumsToOne()
    {
        var scaled = TemperatureFit.Scale([-0.1, -5, -3], 4);
        Assert.Equal(1, scaled.Sum(Math.Exp), 1e-12);
        Assert.True(scaled[0] > scaled[2] && scaled[2] > scaled[1]);
    }
}
