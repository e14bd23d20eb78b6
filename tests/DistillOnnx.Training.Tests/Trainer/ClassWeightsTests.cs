using DistillOnnx.Core;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

public sealed class ClassWeightsTests
{
    private static readonly string[] Labels = ["fruit", "tool"];

    /// <summary>Six rows of one label and two of the other, each with a label and a rationale.</summary>
    private static readonly TrainingRow[] Rows = [.. "fffffftt".Select((c, i) => new TrainingRow(
        $"{i}", [new TrainingSequence([1], [1], LossPart.Label), new TrainingSequence([1], [1], LossPart.Rationale)], c == 'f' ? "fruit"
            : "tool"))];

    [Fact]
    public void Create_None_GivesNone() => Assert.Null(ClassWeights.Create("none", Labels, Rows));

    [Fact]
    public void Apply_Balanced_WeighsLabelsInverselyToTheirRowsAndLeavesRationales()
    {
        var weighted = ClassWeights.Create("balanced", Labels, Rows)!.Apply(Rows);

        // 8 rows over 2 classes of 6 and of 2.
        double[] expected = [.. Enumerable.Repeat(8 / 12.0, 6), 2, 2];
        Assert.Equal(expected, weighted.Select(r => r.Sequences[0].Weight));
        Assert.All(weighted, r => Assert.Equal(1, r.Sequences[1].Weight));
        Assert.Equal(1, weighted.Average(r => r.Sequences[0].Weight), 1e-12);
    }

    [Fact]
    public void Apply_AFile_WeighsAsItSays()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["w.json"], """{"tool": 5, "fruit": 0.25}""");

        var weighted = ClassWeights.Create(directory["w.json"], Labels, Rows)!.Apply(Rows);

        Assert.Equal([.. Enumerable.Repeat(0.25, 6), 5, 5], weighted.Select(r => r.Sequences[0].Weight));
    }

    [Fact]
    public void Apply_ARowOfAnotherLabel_NamesRowAndLabel()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["w.json"], """{"tool": 5, "fruit": 0.25}""");
        TrainingRow[] rows = [Rows[0], Rows[1] with { Id = "odd", Label = "animal" }];

        var fault = Assert.Throws<InputException>(() => ClassWeights.Create(directory["w.json"], Labels, rows)!.Apply(rows));

        Assert.Equal("row odd: label \"animal\" has no class weight; expected one of \"fruit\", \"tool\"", fault.Message);
    }

    [Theory]
    [InlineData("""{"fruit": 1}""", "no weight for \"tool\"")]
    [InlineData("""{"fruit": 1, "tool": 2, "cat": 3, "elm": 1}""", "unknown labels \"cat\", \"elm\"; expected \"fruit\", \"tool\"")]
    [InlineData("""{"fruit": 1, "tool": 0}""", "label \"tool\": expected a number above 0, found 0")]
    [InlineData("""{"fruit": 1, "tool": "2"}""", "label \"tool\": expected a number above 0, found \"2\"")]
    [InlineData("""{"fruit": 1, "tool": null}""", "label \"tool\": expected a number above 0, found null")]
    [InlineData("""{"fruit": 1, "tool": 2, "tool": 3}""", "a label is there twice")]
    [InlineData("[1, 2]", "expected an object")]
    [InlineData("not JSON", "a file with a JSON object of weights by label")]
    [InlineData(null, "expected none, balanced, or a file")]
    public void Create_AFileThatCannotBeUsed_SaysWhyInOneLine(string? text, string message)
    {
        using var directory = new TemporaryDirectory();
        if (text is not null) File.WriteAllText(directory["w.json"], text);

        var fault = Assert.Throws<InputException>(() => ClassWeights.Create(directory["w.json"], Labels, Rows));

        Assert.Contains(message, fault.Message);
        Assert.Contains("--class-weights " + directory["w.json"], fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }
}
