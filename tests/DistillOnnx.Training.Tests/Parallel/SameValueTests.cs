using DistillOnnx.Training.Parallel;

namespace DistillOnnx.Training.Tests.Parallel;

public sealed class SameValueTests
{
    public static TheoryData<int> Counts => [2, 3, 4, 5, 6, 7, 8, 9];

    [Theory]
    [MemberData(nameof(Counts))]
    public void IsSameEverywhere_EqualNumbersSummedInAnyOrder_IsTrue(int count)
    {
        var random = new Random(count);
        var rounded = 0;
        for (var trial = 0; trial < 200; trial++)
        {
            var value = random.NextDouble() * Math.Pow(10, random.Next(-3, 4));
            if (Enumerable.Repeat(value, count).Aggregate(0.0, (sum, v) => sum + v) != value * count) rounded++;

            Assert.All(Answers([.. Enumerable.Repeat(value, count)], random), Assert.True);
        }

        // The numbers themselves are no match for their sum.
        if (count >= 6) Assert.True(rounded > 0);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void IsSameEverywhere_OneNumberDiffersInItsLastBit_IsFalseForAll(int count)
    {
        var random = new Random(count);
        for (var trial = 0; trial < 200; trial++)
        {
            var values = Enumerable.Repeat(random.NextDouble() * 100, count).ToArray();
            var place = random.Next(count);
            values[place] = trial % 2 == 0 ? Math.BitIncrement(values[place]) : random.NextDouble() * 100;

            Assert.All(Answers(values, random), Assert.False);
        }
    }

    /// <summary>The sum, and with it the mean, is each one's own number in the middle process.</summary>
    [Fact]
    public void IsSameEverywhere_MeanIsTheOwnNumber_IsFalseForAll()
    {
        double[] values = [Math.BitDecrement(0.75), 0.75, Math.BitIncrement(0.75)];

        Assert.All(Answers(values, new Random(1)), Assert.False);
        Assert.All(Answers([1, -1], new Random(1)), Assert.False);
        Assert.All(Answers([double.NaN, double.NaN, double.NaN], new Random(1)), Assert.True);
    }

    private static IEnumerable<bool> Answers(double[] values, Random random)
    {
        // What each process adds, and then the answer of each from sums in an order of its own.
        var contributions = new List<double[]>();
        for (var rank = 0; rank < values.Length; rank++)
        {
            using var asks = new SimulatedGroup(rank, values.Length, sums => contributions.Add(sums.ToArray()));
            asks.IsSameEverywhere(values[rank]);
        }

        for (var rank = 0; rank < values.Length; rank++)
        {
            var order = Enumerable.Range(0, values.Length).ToArray();
            random.Shuffle(order);
            using var group = new SimulatedGroup(rank, values.Length, sums =>
            {
                sums.Clear();
                foreach (var other in order)
                {
                    for (var i = 0; i < sums.Length; i++) sums[i] += contributions[other][i];
                }
            });
            yield return group.IsSameEverywhere(values[rank]);
        }
    }
}
