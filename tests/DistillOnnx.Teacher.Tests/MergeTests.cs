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
}
