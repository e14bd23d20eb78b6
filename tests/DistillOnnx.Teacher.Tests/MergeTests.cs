using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Parts of a dataset, annotated apart and put together.</summary>
public sealed class MergeTests : AnnotationTest
{
    [Fact]
    public async Task Merge_AllParts_EqualsOneRunAndMissingOnesAreRefused()
    {
        TestData.Write(Work["data"], 31, 7, 2);
        await using var endpoint = await FakeEndpoint.StartAsync(q => TestData.Number(q) % 5 == 0 ? "no" : TestData.Right(q));
        await Annotator.RunAsync(Options(endpoint) with { Out = Work["whole"] }, Reporter.None);
        for (var i = 0; i < 3; i++)
            await Annotator.RunAsync(Options(endpoint) with { Out = Work[$"part{i}"], Shard = $"{i}/3" }, Reporter.None);
        var merge = Options(endpoint) with { Merge = [Work["part2"], Work["part0"], Work["part1"]] };
        var result = await Annotator.RunAsync(merge, Reporter.None);
        foreach (var name in (string[])["train.jsonl", "validation.jsonl", "test.jsonl", "provenance.jsonl", "failed.jsonl"])
            Assert.Equal(File.ReadAllText(Work[$"whole/{name}"]), File.ReadAllText(Path.Combine(Out, name)));
        Assert.Equal(31, result.Splits!["train"].Rows);
        Assert.Equal(endpoint.Charged.Values.Sum(c => (long)c.Input), result.InputTokens!.Value);

        var again = merge with { Out = Work["again"] };
        await Fails(again with { Merge = merge.Merge.Take(2).ToList() }, "part 1/3 is missing");
        await Fails(again with { Merge = [.. merge.Merge, merge.Merge[0]] }, "both part 2/3");
        await Fails(again with { Merge = [Work["whole"]] }, "--shard I/N");
        var lines = File.ReadAllLines(Work["part1/provenance.jsonl"]).ToList();
        File.WriteAllLines(Work["part1/provenance.jsonl"], lines.Where((_, i) => i != 4));
        await Fails(again, "part1", "is missing or out of order");
        Assert.False(Directory.Exists(Work["again"]));
    }

    [Fact]
    public async Task Merge_OutputThatIsReadOrHoldsOtherThings_IsRefusedAndNothingIsDeleted()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var merge = await PartsAsync(Options(endpoint), 2, "keep/part") with { Out = Work["keep"], Overwrite = true };
        await Fails(merge, "is read as well", merge.Merge[0]);
        await Fails(merge with { Out = merge.Merge[1] }, "is read as well", merge.Merge[1]);
        Directory.CreateDirectory(Work["mine"]);
        File.WriteAllText(Work["mine/notes.txt"], "mine");
        await Fails(merge with { Out = Work["mine"] }, "holds notes.txt, which is no part of an output");
        Assert.All(merge.Merge, p => Assert.True(File.Exists(Path.Combine(p, "train.jsonl"))));
        Assert.True(File.Exists(Work["mine/notes.txt"]));
    }

    [Fact]
    public async Task Merge_Report_ShowsCountsTeacherAndExamples()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(q => TestData.Number(q) == 3 ? "I do not know." : TestData.Right(q));
        var merge = await PartsAsync(Options(endpoint) with { ParseRetries = 0 }, 2) with { Report = Work["page.html"] };
        await Annotator.RunAsync(merge, Reporter.None);
        var page = File.ReadAllText(Work["page.html"]);
        Assert.Contains($"Annotation by {endpoint.Spec}", page);
        Assert.Contains("<b>5</b><span>kept</span>", page);
        Assert.Contains("I do not know.", page);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Merge_NoRowKept_FailsWithTheFilesThere(bool dropRows)
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(_ => "I do not know.");
        var options = Options(endpoint) with { DropRows = dropRows, ParseRetries = 0 };
        for (var i = 0; i < 2; i++)
            await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(Part(options, i, 2), Reporter.None));
        var merge = Merging(options, 2) with { Report = Work["page.html"] };
        var fault = await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(merge, Reporter.None));
        Assert.Contains("no row was kept (unparsable 6)", fault.Message);
        Assert.Equal((0L, 6L), (fault.Result!.Kept, fault.Result.Dropped));
        Assert.Equal(6, Lines("failed.jsonl").Count);
        Assert.True(File.Exists(Work["page.html"]));
    }

    [Fact]
    public async Task Merge_PartWithoutAnyRow_AddsItsProvenance()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            TestData.Number(q) % 2 == 0 ? "I do not know." : TestData.Right(q));
        var options = Options(endpoint) with { DropRows = true, ParseRetries = 0 };
        await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(Part(options, 0, 2), Reporter.None));
        await Annotator.RunAsync(Part(options, 1, 2), Reporter.None);
        var result = await Annotator.RunAsync(Merging(options, 2), Reporter.None);
        Assert.Equal((6L, 3L, 3L), (result.Rows, result.Kept, result.Dropped));
        Assert.Equal(["train-1", "train-3", "train-5"], Dataset.Open(Out).Load("train").Select(r => r.Id));
        Assert.Equal(6, Lines("provenance.jsonl").Count);
    }

    [Fact]
    public async Task Merge_MorePartsThanRows_HasEveryRow()
    {
        TestData.Write(Work["data"], 2);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var result = await Annotator.RunAsync(await PartsAsync(Options(endpoint), 3), Reporter.None);
        Assert.Equal((2L, 2L), (result.Rows, result.Kept));
    }

    [Fact]
    public async Task Merge_SplitThatIsNotAnnotated_IsWholeInEveryPartAndMergedOnce()
    {
        TestData.Write(Work["data"], 4, test: 5);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var merge = await PartsAsync(Options(endpoint), 2);
        foreach (var part in merge.Merge) Assert.Equal(5, Dataset.Open(part).Load("test").Count);
        await Annotator.RunAsync(merge, Reporter.None);
        Assert.Equal(Dataset.Open(Work["data"]).Load("test"), Dataset.Open(Out).Load("test"));

        var file = Path.Combine(merge.Merge[1], "test.jsonl");
        var lines = File.ReadAllLines(file);
        var again = merge with { Out = Work["again"] };
        File.WriteAllLines(file, lines.Take(4));
        await Fails(again, merge.Merge[1], "\"test-4\" of test is missing or not as in the dataset");
        File.WriteAllLines(file, lines.Select(l => l.Replace("\"label\":\"odd\"", "\"label\":\"even\"", StringComparison.Ordinal)));
        await Fails(again, merge.Merge[1], "\"test-1\" of test is missing or not as in the dataset");
        File.WriteAllLines(file, [.. lines, lines[0].Replace("test-0", "test-9", StringComparison.Ordinal)]);
        await Fails(again, merge.Merge[1], "\"test-9\" of test is none of the dataset's");
        Assert.False(Directory.Exists(Work["again"]));
    }

    [Fact]
    public async Task Merge_PartThatLostAKeptRow_IsRefused()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var merge = await PartsAsync(Options(endpoint), 2);
        var file = Path.Combine(merge.Merge[0], "train.jsonl");
        File.WriteAllLines(file, File.ReadAllLines(file).Take(2));
        await Fails(merge, merge.Merge[0], "\"train-4\" of train is missing");
        Assert.False(Directory.Exists(Out));
    }

    private AnnotateOptions Part(AnnotateOptions options, int index, int count, string name = "part") =>
        options with { Out = Work[$"{name}{index}"], Shard = $"{index}/{count}" };

    private AnnotateOptions Merging(AnnotateOptions options, int count, string name = "part") =>
        options with { Teacher = "", Merge = [.. Enumerable.Range(0, count).Select(i => Work[$"{name}{i}"])] };

    // Annotates all parts, and gives the options that put them together.
    private async Task<AnnotateOptions> PartsAsync(AnnotateOptions options, int count, string name = "part")
    {
        for (var i = 0; i < count; i++) await Annotator.RunAsync(Part(options, i, count, name), Reporter.None);
        return Merging(options, count, name);
    }
}
