using CsCheck;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Core.Tests.Metrics;

public sealed class ConfusionMatrixTests
{
    private static readonly string[] Labels = ["a", "b", "c", "d"];

    [Fact]
    public void Figures_OfASmallMatrix_AreThoseByHand()
    {
        // a: 3 of 4 found, 1 answered as b. b: 1 of 2 found, 1 as a. c: never answered, 1 as a, 1 none of the labels. d: does not occur.
        var matrix = Matrix(("a", "a"), ("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "a"), ("c", "a"), ("c", "x"));

        Assert.Equal([[3, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], matrix.Counts);
        Assert.Equal([0, 0, 1, 0], matrix.Unlisted);
        Assert.Equal([5, 2, 0, 0], matrix.Answered());
        Assert.Equal(
            [new ClassFigures(3 / 5.0, 3 / 4.0, 6 / 9.0, 4), new(1 / 2.0, 1 / 2.0, 1 / 2.0, 2), new(0, 0, 0, 2), new(0, 0, 0, 0)],
            matrix.Classes());
        // d neither is gold nor was answered: the mean is over three.
        Assert.Equal(((6 / 9.0) + 0.5) / 3, matrix.MacroF1(), 12);
        Assert.Equal(((4 * 6 / 9.0) + (2 * 0.5)) / 8, matrix.WeightedF1(), 12);
    }

    [Fact]
    public void Figures_WithoutRows_AreZero()
    {
        var matrix = new ConfusionMatrix(Labels);

        Assert.Equal((0, 0), (matrix.MacroF1(), matrix.WeightedF1()));
        Assert.All(matrix.Classes(), c => Assert.Equal(new ClassFigures(0, 0, 0, 0), c));
    }

    [Fact]
    public void Add_GoldThatIsNoLabel_IsRefusedAndNotCounted()
    {
        var matrix = new ConfusionMatrix(Labels);

        Assert.False(matrix.Add("x", "a"));
        Assert.All(matrix.Answered(), n => Assert.Equal(0, n));
    }

    [Fact]
    public void Figures_OfAnyRows_AreThoseOfAPlainCount()
    {
        var gold = Gen.OneOf(Labels.Select(Gen.Const).ToArray());
        var answer = Gen.OneOf(Labels.Append("x").Select(Gen.Const).ToArray());
        Gen.Select(gold, answer).Array[1, 60].Sample(rows =>
        {
            var matrix = Matrix(rows);
            var classes = matrix.Classes();
            var f1 = new List<double>();
            var weighted = 0.0;
            for (var i = 0; i < Labels.Length; i++)
            {
                var label = Labels[i];
                double right = rows.Count(r => r.Item1 == label && r.Item2 == label);
                double wronglyAnswered = rows.Count(r => r.Item1 != label && r.Item2 == label);
                double missed = rows.Count(r => r.Item1 == label && r.Item2 != label);
                var precision = right == 0 ? 0 : right / (right + wronglyAnswered);
                var recall = right == 0 ? 0 : right / (right + missed);
                var mean = right == 0 ? 0 : 2 * precision * recall / (precision + recall);
                Assert.Equal(precision, classes[i].Precision, 12);
                Assert.Equal(recall, classes[i].Recall, 12);
                Assert.Equal(mean, classes[i].F1, 12);
                Assert.Equal((int)(right + missed), classes[i].Support);
                if (rows.Any(r => r.Item1 == label || r.Item2 == label)) f1.Add(mean);
                weighted += mean * (right + missed) / rows.Length;
            }

            Assert.Equal(f1.Average(), matrix.MacroF1(), 12);
            Assert.Equal(weighted, matrix.WeightedF1(), 12);
            Assert.Equal(rows.Length, matrix.Counts.Sum(r => r.Sum()) + matrix.Unlisted.Sum());
        });
    }

    private static ConfusionMatrix Matrix(params (string Gold, string Answer)[] rows)
    {
        var matrix = new ConfusionMatrix(Labels);
        foreach (var (gold, answer) in rows) Assert.True(matrix.Add(gold, answer));
        return matrix;
    }
}
