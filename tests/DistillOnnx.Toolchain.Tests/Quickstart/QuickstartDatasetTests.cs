using DistillOnnx.Data;
using DistillOnnx.Toolchain.Quickstart;
using DistillOnnx.Toolchain.Scenes;

namespace DistillOnnx.Toolchain.Tests.Quickstart;

public sealed class QuickstartDatasetTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("quickstart-data-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Fact]
    public void Generate_Rows_AreDistinctBalancedAndAnsweredByTheRules()
    {
        var directory = Path.Combine(_work, "a");
        QuickstartDataset.Generate(directory, rows: 1500, seed: 3);

        var dataset = Dataset.Open(directory);
        var splits = dataset.Splits.ToDictionary(s => s, s => dataset.Load(s));
        var all = splits.Values.SelectMany(r => r).ToList();

        Assert.Equal(["train", "validation", "test"], dataset.Splits);
        Assert.Equal(1500, splits["train"].Count);
        Assert.Equal(all.Count, all.Select(r => r.Input).Distinct(StringComparer.Ordinal).Count());
        Assert.All(splits.Values, rows => Assert.InRange(rows.GroupBy(r => r.Label).Max(g => g.Count()) / (double)rows.Count, 0.33, 0.34));
        Assert.All(all, row => Assert.Equal(row.Label, SceneRules.Answer(row.Input)?.Label));
        Assert.All(all, row => Assert.Null(row.Rationale));
    }

    [Fact]
    public void Generate_EqualSeeds_GiveEqualFiles()
    {
        string Hash(string name, long seed)
        {
            QuickstartDataset.Generate(Path.Combine(_work, name), rows: 200, seed);
            return Dataset.Open(Path.Combine(_work, name)).Hash("train");
        }

        var first = Hash("a", 1);

        Assert.Equal(first, Hash("b", 1));
        Assert.NotEqual(first, Hash("c", 2));
    }

    [Fact]
    public void Generate_QuestionAlone_DoesNotTellYesFromNo()
    {
        // What a question asks must be answered differently in different scenes, or there is nothing to reason about.
        var directory = Path.Combine(_work, "a");
        QuickstartDataset.Generate(directory, rows: 20_000, seed: 1);

        var stated = Dataset.Open(directory).Load("train").Where(r => r.Label != "unknown")
            .GroupBy(r => r.Input[(r.Input.IndexOf('.', StringComparison.Ordinal) + 2)..]).Where(g => g.Count() >= 30).ToList();

        Assert.NotEmpty(stated);
        Assert.All(stated, g => Assert.InRange(g.Count(r => r.Label == "yes") / (double)g.Count(), 0.02, 0.98));
        Assert.InRange(
            stated.Sum(g => Math.Max(g.Count(r => r.Label == "yes"), g.Count(r => r.Label == "no"))) / (double)stated.Sum(g => g.Count()),
            0.5,
            0.8);
    }
}
