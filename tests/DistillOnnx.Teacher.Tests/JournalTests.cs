using DistillOnnx.Core;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

public sealed class JournalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string JournalFile => _directory[Journal.FileName];

    [Fact]
    public async Task Open_FileCutAtAnyByte_HoldsTheWholeLinesAndTakesMore()
    {
        await using (var journal = Journal.Open(_directory.Path))
        {
            for (var i = 0; i < 5; i++) await journal.AppendAsync(Entry(i));
        }

        var whole = File.ReadAllBytes(JournalFile);
        for (var cut = 0; cut <= whole.Length; cut++)
        {
            File.WriteAllBytes(JournalFile, whole[..cut]);
            var lines = whole.AsSpan(0, cut).Count((byte)'\n');
            await using (var journal = Journal.Open(_directory.Path))
            {
                Assert.Equal(lines, journal.Count);
                for (var i = 0; i < 5; i++) Assert.Equal(i < lines ? Entry(i) : null, journal.Find(Key(i)));
                await journal.AppendAsync(Entry(9));
                Assert.Equal(Entry(9), journal.Find(Key(9)));
            }

            await using var again = Journal.Open(_directory.Path);
            Assert.Equal(lines + 1, again.Count);
            Assert.Equal((3L * (lines + 1), 7L * (lines + 1)), again.Tokens);
        }
    }

    [Fact]
    public async Task AppendAsync_ManyAtOnce_AreAllOnDisk()
    {
        await using (var journal = Journal.Open(_directory.Path))
            await Parallel.ForAsync(
                0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) => await journal.AppendAsync(Entry(i)));
        await using var again = Journal.Open(_directory.Path);
        Assert.Equal(2000, again.Count);
        for (var i = 0; i < 2000; i += 37) Assert.Equal(Entry(i), again.Find(Key(i)));
    }

    [Fact]
    public async Task Open_WhileAnotherRunHasIt_IsRefused()
    {
        await using var journal = Journal.Open(_directory.Path);
        Assert.Contains("another run", Assert.Throws<InputException>(() => Journal.Open(_directory.Path)).Message);
    }

    [Fact]
    public void Open_AnotherFile_NamesTheLine()
    {
        File.WriteAllText(JournalFile, "{\"key\":\"x\"}\n");
        Assert.Contains("line 1", Assert.Throws<InputException>(() => Journal.Open(_directory.Path)).Message);
    }

    [Fact]
    public async Task Totals_ByModelAndBatch_SurviveReopening()
    {
        await using (var journal = Journal.Open(_directory.Path))
        {
            for (var i = 0; i < 5; i++) await journal.AppendAsync(Entry(i));
        }

        await using var again = Journal.Open(_directory.Path);
        Assert.Equal(new Dictionary<string, JournalTotal> { ["t"] = new(3, 9, 21, 0, 0), ["u"] = new(2, 6, 14, 3, 7) }, again.Totals);
    }

    [Fact]
    public async Task AppendAsync_LongAnswer_ReadsBackWhole()
    {
        await using var journal = Journal.Open(_directory.Path);
        var entry = Entry(1) with { Text = string.Concat(Enumerable.Repeat("long \n", 20_000)) };
        await journal.AppendAsync(entry);
        await journal.AppendAsync(Entry(2));
        Assert.Equal(entry, journal.Find(Key(1)));
    }

    public void Dispose() => _directory.Dispose();

    // Spread like digests.
    private static UInt128 Key(int i) => (UInt128)(ulong)(i + 1) * ((UInt128)0x9E3779B97F4A7C15 << 64 | 0xBF58476D1CE4E5B9);

    private static JournalEntry Entry(int i) => new()
    {
        Key = Journal.Text(Key(i)),
        Teacher = i % 2 == 0 ? "t" : "u",
        Model = "m",
        Batch = i == 3,
        Text = $"Zeile {i}: \u00e4\n\"x\" \ud83d\ude00",
        Finish = "stop",
        InputTokens = 3,
        OutputTokens = 7,
        At = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(i),
    };
}
