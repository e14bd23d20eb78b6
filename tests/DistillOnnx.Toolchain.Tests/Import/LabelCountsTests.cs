using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

public sealed class LabelCountsTests
{
    [Fact]
    public void Counts_OpenLabelsInAnyOrder_AreThoseOfAFullCount()
    {
        var random = new Random(5);
        for (var round = 0; round < 50; round++)
        {
            var labels = Enumerable.Range(0, 300).Select(_ => $"l{random.Next(1 + random.Next(60))}").ToList();
            using var counts = new LabelCounts(null, listed: 5);
            foreach (var label in labels) counts.Add(label);

            var full = labels.GroupBy(l => l).Select(g => (g.Key, Rows: (long)g.Count()))
                .OrderByDescending(g => g.Rows).ThenBy(g => g.Key, StringComparer.Ordinal).ToList();
            Assert.Equal(full.Count, counts.Distinct);
            Assert.Equal(full.Take(5), counts.Counts().Select(c => (c.Key, c.Value)));
        }
    }

    [Fact]
    public void Counts_ClosedSet_HasEveryLabelInItsOrder()
    {
        using var counts = new LabelCounts(["b", "a", "c"], listed: 1);
        foreach (var label in (string[])["c", "b", "c"]) counts.Add(label);

        Assert.Equal([("b", 1L), ("a", 0L), ("c", 2L)], counts.Counts().Select(c => (c.Key, c.Value)));
        Assert.Equal(2, counts.Distinct);
    }
}
