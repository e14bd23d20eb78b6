using DistillOnnx.Data;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Tests.World;

public sealed class WorldDatasetTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("world-data-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Generate_Rows_AreDistinctBalancedAndExplained(int depth)
    {
        var directory = Path.Combine(_work, "a");
        WorldDataset.Generate(directory, [depth], rows: 1500, seed: 3);

        var dataset = Dataset.Open(directory);
        var splits = dataset.Splits.ToDictionary(s => s, s => dataset.Load(s));
        var all = splits.Values.SelectMany(r => r).ToList();

        Assert.Equal(["train", "validation", "test"], dataset.Splits);
        Assert.Equal(1500, splits["train"].Count);
        Assert.Equal(all.Count, all.Select(r => r.Input).Distinct(StringComparer.Ordinal).Count());
        Assert.All(splits.Values, rows => Assert.InRange(rows.GroupBy(r => r.Label).Max(g => g.Count()) / (double)rows.Count, 0.33, 0.34));
        Assert.All(all, row => Assert.Equal(new RuleAnswer(row.Rationale!, row.Label!), WorldRules.Answer(row.Input)));
        Assert.All(all, row => Assert.Equal(row.Label, row.TeacherLabel));
        Assert.All(all, row => Assert.Equal(depth, WorldText.Read(row.Input)!.Depth));
    }

    [Fact]
    public void Generate_SeveralDepths_TakeTurnsWithEveryLabel()
    {
        var directory = Path.Combine(_work, "a");
        WorldDataset.Generate(directory, [1, 4], rows: 60, seed: 3);

        var rows = Dataset.Open(directory).Load("train");
        var groups = rows.CountBy(r => (WorldText.Read(r.Input)!.Depth, r.Label)).ToDictionary();

        Assert.Equal(6, groups.Count);
        Assert.All(groups.Values, count => Assert.Equal(10, count));
    }

    [Fact]
    public void Generate_CombinationsThatAreHeldOut_AreInValidationAndTestAlone()
    {
        var directory = Path.Combine(_work, "a");
        WorldDataset.Generate(directory, [1, 3], rows: 3000, seed: 1);
        var dataset = Dataset.Open(directory);
        static bool Holds(Example row) => WorldText.Read(row.Input)!.Words is [var thing, var place, ..]
            && WorldGenerator.IsHeldOut(thing, place);

        Assert.DoesNotContain(dataset.Load("train"), Holds);
        Assert.All(dataset.Load("validation").Concat(dataset.Load("test")), row => Assert.True(Holds(row)));
        var share = WorldWords.Kind.Words.Average(t => WorldWords.Side.Words.Average(p => WorldGenerator.IsHeldOut(t, p) ? 1 : 0));
        Assert.InRange(share, 0.12, 0.28);
    }

    [Fact]
    public void Generate_Words_AllOccurInTraining()
    {
        // What a word means can only be learnt from rows that have it.
        var directory = Path.Combine(_work, "a");
        WorldDataset.Generate(directory, [2], rows: 1500, seed: 1);

        var words = Dataset.Open(directory).Load("train").SelectMany(r => WorldText.Read(r.Input)!.Words).ToHashSet();

        Assert.Equal(WorldWords.Aspects.Sum(a => a.Words.Count), words.Count);
    }

    [Fact]
    public void Generate_EqualSeeds_GiveEqualFiles()
    {
        string Hash(string name, long seed)
        {
            WorldDataset.Generate(Path.Combine(_work, name), [1, 2], rows: 200, seed);
            return Dataset.Open(Path.Combine(_work, name)).Hash("train");
        }

        var first = Hash("a", 1);

        Assert.Equal(first, Hash("b", 1));
        Assert.NotEqual(first, Hash("c", 2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Generate_QuestionAlone_DoesNotTellYesFromNo(int depth)
    {
        // What a question asks must be answered differently for different texts, or there is nothing to reason about.
        var directory = Path.Combine(_work, "a");
        WorldDataset.Generate(directory, [depth], rows: 12_000, seed: 1);

        var stated = Dataset.Open(directory).Load("train").Where(r => r.Label != "unknown")
            .SelectMany(r => WorldText.Read(r.Input)!.Conditions.OfType<string>().Select(c => (Condition: c, r.Label)))
            .GroupBy(p => p.Condition).ToList();

        Assert.Equal(WorldWords.Aspects.Sum(a => a.Meanings.Count), stated.Count);
        Assert.All(stated, g => Assert.InRange(g.Count(p => p.Label == "yes") / (double)g.Count(), 0.4, 0.6));
    }
}
