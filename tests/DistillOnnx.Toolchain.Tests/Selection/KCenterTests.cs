using DistillOnnx.Toolchain.Selection;

namespace DistillOnnx.Toolchain.Tests.Selection;

public sealed class KCenterTests
{
    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 5)]
    [InlineData(true, 0)]
    [InlineData(true, 5)]
    public void Take_RandomStates_EqualsANaiveSearch(bool weighted, int centers)
    {
        var random = new Random(3);
        float[] State() => [.. Enumerable.Range(0, 7).Select(_ => (float)(random.NextDouble() - 0.3))];
        var states = Enumerable.Range(0, 1500).Select(_ => State()).ToArray();
        var given = Enumerable.Range(0, centers).Select(_ => State()).ToArray();
        double[]? weights = weighted ? [.. states.Select(_ => random.NextDouble())] : null;
        var expected = Naive(states, weights, given, 12);

        var cover = new KCenter(states, weights);
        var picks = cover.Take(12, given);

        Assert.Equal(expected.Select(p => (p.Index, p.Nearest)), picks.Select(p => (p.Index, p.Nearest)));
        Assert.All(expected.Zip(picks), p => Assert.Equal(p.First.Distance ?? -1, p.Second.Distance ?? -1, tolerance: 1e-5));
        Assert.Equal(states.Length, cover.Covered.Values.Sum());
        Assert.All(picks, p => Assert.InRange(cover.Covered[p.Index], 1, states.Length));
    }

    [Fact]
    public void Take_EqualStates_TakesEachRowOnceByWeight()
    {
        var picks = new KCenter([[1, 0], [2, 0], [3, 0], [0, 1]], [0.2, 0.9, 0.5, 0]).Take(9, []);

        Assert.Equal([1, 2, 0, 3], picks.Select(p => p.Index));
    }

    private static List<CenterPick> Naive(float[][] states, double[]? weights, float[][] centers, int count)
    {
        double[][] Unit(float[][] rows) => [.. rows.Select(r =>
        {
            var length = Math.Sqrt(r.Sum(v => (double)v * v));
            return r.Select(v => v / length).ToArray();
        })];
        var (rows, taken) = (Unit(states), Unit(centers).Select((c, i) => (State: c, Name: -1 - i)).ToList());
        static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b).Sum(p => (p.First - p.Second) * (p.First - p.Second)));
        var picks = new List<CenterPick>();
        while (picks.Count < count)
        {
            var left = Enumerable.Range(0, rows.Length).Where(i => picks.All(p => p.Index != i));
            if (taken.Count == 0)
            {
                double[] middle = [.. Enumerable.Range(0, rows[0].Length).Select(d => rows.Sum(r => r[d]))];
                var first = left.MaxBy(i => weights?[i] ?? rows[i].Zip(middle).Sum(p => p.First * p.Second));
                picks.Add(new CenterPick(first, null, null));
            }
            else
            {
                var best = left.Select(i => (Index: i, Near: taken.Select(t => (Distance: Distance(rows[i], t.State), t.Name)).Min()))
                    .MaxBy(c => c.Near.Distance * (weights?[c.Index] ?? 1));
                picks.Add(new CenterPick(best.Index, best.Near.Distance, best.Near.Name));
            }

            taken.Add((rows[picks[^1].Index], picks[^1].Index));
        }

        return picks;
    }
}
