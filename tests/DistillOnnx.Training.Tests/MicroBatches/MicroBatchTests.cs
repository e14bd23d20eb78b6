using CsCheck;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Tests.MicroBatches;

public sealed class MicroBatchTests
{
    private static readonly Gen<TrainingRow[]> Rows = Gen.Select(Gen.Int[1, 30], Gen.Int[1, 5], Gen.Bool, Gen.Double[0.1, 9])
        .Select((source, target, label, weight) => Row(source, target, label ? LossPart.Label : LossPart.Rationale, weight))
        .Array[1, 40];

    [Fact]
    public void Cut_AnyRows_KeepsEverySequenceWithinTheBudget() => Gen.Select(Rows, Gen.Int[1, 200]).Sample((rows, budget) =>
    {
        var batches = MicroBatch.Cut(rows, budget, 0.5, 0.5);
        Assert.Equal(
            rows.SelectMany(r => r.Sequences).ToHashSet(ReferenceEqualityComparer.Instance),
                batches.SelectMany(b => b.Sequences).ToHashSet(ReferenceEqualityComparer.Instance));
        foreach (var batch in batches.Where(b => b.Sequences.Count > 1))
            Assert.True(
                batch.Sequences.Count * (batch.Sequences.Max(s => s.Source.Length) + batch.Sequences.Max(s => s.Target.Length)) <= budget);
    });

    [Fact]
    public void Cut_OfTooManyForOne_GivesPartsOfLikeSize()
    {
        // Greedy parts would have 10, 10 and 1.
        var batches = MicroBatch.Cut(Enumerable.Range(0, 21).Select(_ => Row(6, 4, LossPart.Label, 1)), 100, 0.5, 0.5);

        Assert.Equal([7, 7, 7], batches.Select(b => b.Sequences.Count));
    }

    [Fact]
    public void Cut_OfBothParts_HasLabelsApartFromRationalesWhereItCuts()
    {
        var rows = Enumerable.Range(0, 8).SelectMany(i => (TrainingRow[])
            [Row(5 + i, 2, LossPart.Label, 1), Row(5 + i, 9, LossPart.Rationale, 1)]);
        var batches = MicroBatch.Cut(rows, 170, 0.5, 0.5);

        Assert.Equal([LossPart.Label, LossPart.Rationale], batches.Select(b => b.Sequences.Select(s => s.Part).Distinct().Single()));
    }

    [Fact]
    public void Cut_AnyRows_WeighsTokensToTheWeightsOfTheParts() => Gen.Select(Rows, Gen.Int[1, 200]).Sample((rows, budget) =>
    {
        var batches = MicroBatch.Cut(rows, budget, 0.3, 0.7);
        foreach (var (part, weight) in new[] { (LossPart.Label, 0.3), (LossPart.Rationale, 0.7) })
        {
            var total = batches.Sum(b => b.Sequences.Where(s => s.Part == part).Sum(s => s.Target.Length * b.TokenWeight(s)));
            Assert.Equal(rows.Any(r => r.Sequences[0].Part == part) ? weight : 0, total, 1e-9);
        }
    });

    [Fact]
    public void TokenWeight_OfWeightedSequences_IsTheShareInAWeightedMean()
    {
        // Two tokens of weight 3 and three of weight 1: the mean divides by 9.
        var batch = MicroBatch.Cut([Row(1, 2, LossPart.Label, 3), Row(2, 3, LossPart.Label, 1)], 1000, 0.5, 0.5).Single();

        Assert.Equal([0.5 * 3 / 9, 0.5 / 9], batch.Sequences.Select(batch.TokenWeight), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void TokenWeight_OfSequencesThatCountOnce_IsTheShareInAMeanOverThem()
    {
        TrainingRow Once(int target, double weight) =>
            new("r", [new TrainingSequence(new int[1], new int[target], LossPart.Label, weight, Once: true)]);

        var batch = MicroBatch.Cut([Once(2, 3), Once(5, 1), Row(1, 7, LossPart.Rationale, 1)], 1000, 0.4, 0.6).Single();

        double[] expected = [0.4 * 3 / 4, 0.4 / 4, 0.6 / 7];
        Assert.Equal(expected, batch.Sequences.Select(batch.TokenWeight), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    private static TrainingRow Row(int source, int target, LossPart part, double weight) =>
        new("r", [new TrainingSequence(new int[source], new int[target], part, weight)]);
}
