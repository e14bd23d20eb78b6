using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Collecting;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.Collecting;

/// <summary>The directory of what is collected: bounds, retention, and what a killed server leaves.</summary>
public sealed class RowStoreTests
{
    private static readonly TaskSpec Task = new() { Name = "nli", Kind = TaskKind.Labels, Labels = ["yes", "no"] };

    [Fact]
    public void Add_MoreThanTheBound_RemovesTheOldestFiles()
    {
        using var directory = new TemporaryDirectory();
        const int bound = 40_000;
        var time = new ManualTime();
        using (var store = Open(directory, bound, time))
        {
            for (var i = 0; i < 1000; i++)
            {
                Assert.True(store.Add(Row($"text {i}")));
                time.Advance(TimeSpan.FromMilliseconds(1));
            }

            store.Flush();
            Assert.InRange(Files(directory).Sum(f => f.Length), bound / 2, bound);
        }

        var lines = Lines(directory);
        Assert.Contains("text 999\"", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(lines, l => l.Contains("text 0\"", StringComparison.Ordinal));
        Assert.Equal(lines.Count, lines.Distinct().Count());
    }

    [Fact]
    public void Tidy_FilesOlderThanTheRetention_AreRemovedAndOpenOnesAppear()
    {
        using var directory = new TemporaryDirectory();
        var time = new ManualTime();
        using var store = Open(directory, 1_000_000, time, TimeSpan.FromDays(2));
        store.Add(Row("first"));
        time.Advance(TimeSpan.FromMinutes(2));
        store.Tidy();
        Assert.StartsWith("rows-", Assert.Single(Files(directory)).Name, StringComparison.Ordinal);

        time.Advance(TimeSpan.FromDays(1));
        store.Add(Row("second"));
        time.Advance(TimeSpan.FromMinutes(2));
        store.Tidy();
        Assert.Equal(2, Files(directory).Count);
        time.Advance(TimeSpan.FromDays(1));
        store.Tidy();

        Assert.Contains("second", Assert.Single(Lines(directory)), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_AfterAKill_MakesWholeWhatWasWrittenAndLeavesWhatAnotherWrites()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["kept/nli"]);
        var row = Row("from before");
        var line = row.Line(row.Id());
        File.WriteAllBytes(directory["kept/nli/.rows-20300101T000000.000Z-a.jsonl"], [.. line, .. line[..20]]);
        File.WriteAllText(directory["kept/nli/.rows-20300101T000000.000Z-b.jsonl"], "");
        using var other = RowFile.Create(directory["kept/nli"], DateTimeOffset.UnixEpoch);
        other.Write(line);
        other.Flush();

        using var store = Open(directory, 1_000_000, new ManualTime());

        Assert.Equal(line, File.ReadAllBytes(directory["kept/nli/rows-20300101T000000.000Z-a.jsonl"]));
        Assert.Single(Files(directory), f => f.Name.StartsWith('.'));
        Assert.False(store.Add(Row("from before")));
        Assert.True(store.Add(Row("new")));
    }

    [Theory]
    [InlineData("../escaped/tiny")]
    [InlineData("team/tickets")]
    [InlineData("..")]
    [InlineData("two words")]
    public void Add_ModelWhoseNameIsNoFolder_KeepsItsRowsInOneBelowTheDirectory(string model)
    {
        using var directory = new TemporaryDirectory();
        using (var store = Open(directory, 1_000_000, new ManualTime()))
        {
            Assert.True(store.Add(Row("text") with { Model = model }));
            Assert.True(store.Add(Row("text")));
        }

        Assert.Equal(["kept"], Directory.EnumerateFileSystemEntries(directory.Path).Select(Path.GetFileName));
        var folders = new DirectoryInfo(directory["kept"]).GetDirectories();
        Assert.Equal(2, folders.Length);
        Assert.All(folders, f => Assert.Single(f.GetFiles("rows-*.jsonl")));
    }

    private static RowStore Open(TemporaryDirectory directory, long bytes, TimeProvider time, TimeSpan retention = default)
    {
        var store = new RowStore(directory["kept"], bytes, retention, time);
        store.Open();
        return store;
    }

    private static List<FileInfo> Files(TemporaryDirectory directory) =>
        [.. new DirectoryInfo(directory["kept/nli"]).EnumerateFiles("*.jsonl").OrderBy(f => f.Name, StringComparer.Ordinal)];

    private static List<string> Lines(TemporaryDirectory directory) =>
        [.. Files(directory).Where(f => !f.Name.StartsWith('.')).SelectMany(f => File.ReadLines(f.FullName))];

    private static CollectedRow Row(string text) => new()
    {
        Model = "nli",
        Version = "1",
        Task = Task,
        Input = text,
        Choices = [],
        StudentLabel = "yes",
        StudentProbability = 0.5,
        Abstained = true,
        Reason = "abstained",
        At = DateTimeOffset.UnixEpoch,
    };
}
