using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Prompts;

namespace DistillOnnx.Teacher.Tests;

/// <summary>What a run writes, by the ways of asking.</summary>
public sealed class AnnotatorTests : AnnotationTest
{
    [Fact]
    public async Task Run_OpenAIEndpoint_WritesADatasetWithProvenanceAndReport()
    {
        TestData.Write(Work["data"], 20, 5, 3);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        var written = Dataset.Open(Out);
        Assert.Equal(["train", "validation", "test"], written.Splits);
        Assert.All(written.Load("train").Concat(written.Load("validation")), r => Assert.Equal(r.Label, r.TeacherLabel));
        Assert.Equal("The last digit of 7 is 7.", written.Load("train")[7].Rationale);
        Assert.All(written.Load("test"), r => Assert.Null(r.Rationale));
        Assert.Equal(25, result.Requests);
        var provenance = Lines("provenance.jsonl");
        Assert.Equal(25, provenance.Count);
        Assert.Equal("kept", provenance[3].GetProperty("verdict").GetString());
        Assert.Equal(FakeEndpoint.Model, provenance[3].GetProperty("model").GetString());
        Assert.Equal(64, provenance[3].GetProperty("prompt_sha256").GetString()!.Length);
        Assert.Equal(1, provenance[3].GetProperty("vote_share").GetDouble());
        Assert.Empty(Lines("failed.jsonl"));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Out).Select(File.ReadAllText), t => t.Contains(FakeEndpoint.Key, StringComparison.Ordinal));
        Assert.Contains("\"answers\": 25", File.ReadAllText(Path.Combine(Out, "annotation.json")));
    }

    [Fact]
    public async Task Run_SamplesThatDisagree_TakesTheMajorityAndKeepsItsShare()
    {
        TestData.Write(Work["data"], 10);
        // Rows of more than 5 get their right label from two of three samples, the others from one.
        var asked = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
        {
            var number = TestData.Number(q);
            var sample = asked.AddOrUpdate(number, 0, (_, n) => n + 1);
            return TestData.Say(number, number % 2 == 0 == (number > 5 ? sample != 1 : sample == 1));
        });
        var result = await Annotator.RunAsync(Options(endpoint) with { Samples = 3, MinVoteShare = 0.5 }, Reporter.None);
        Assert.Equal(30, result.Requests);
        Assert.Equal(0.4, result.Splits!["train"].TeacherAccuracy);
        Assert.Equal(2.0 / 3, result.Splits["train"].MeanVoteShare!.Value, 9);
        Assert.All(Lines("provenance.jsonl"), p => Assert.Equal(0.666667, p.GetProperty("vote_share").GetDouble()));
        var strict = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(Options(endpoint) with { Samples = 3, MinVoteShare = 0.9, Overwrite = true }, Reporter.None));
        Assert.Contains("no row was kept (disagreement 10)", strict.Message);
    }

    [Fact]
    public async Task Run_WrongTeacherLabels_AreRationalizedMarkedOrDropped()
    {
        TestData.Write(Work["data"], 12);
        await using var endpoint = await FakeEndpoint.StartAsync(q => q.Contains("correct label is", StringComparison.Ordinal)
            ? TestData.Right(q[..q.IndexOf("(The", StringComparison.Ordinal)])
            : TestData.Say(TestData.Number(q), TestData.Number(q) % 3 != 0));
        var plain = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        var wrong = Enumerable.Range(0, 12).Count(i => i % 3 != 0 != (i % 2 == 0));
        Assert.Equal((12 - wrong) / 12.0, plain.Splits!["train"].TeacherAccuracy!.Value, 9);

        var explained = await Annotator.RunAsync(Options(endpoint) with { Rationalize = true, Overwrite = true }, Reporter.None);
        Assert.Equal(
            (wrong, (long)wrong, 12L), ((int)explained.Requests!, explained.Splits!["train"].Rationalized, explained.Splits["train"].Kept));
        Assert.Equal(plain.Splits["train"].TeacherAccuracy, explained.Splits["train"].TeacherAccuracy);
        Assert.Equal(wrong, Lines("provenance.jsonl").Count(p => p.TryGetProperty("rationalized", out var r) && r.GetBoolean()));

        var strict = await Annotator.RunAsync(
            Options(endpoint) with { RequireAgreement = true, DropRows = true, Overwrite = true }, Reporter.None);
        Assert.Equal(0, strict.Requests);
        Assert.Equal(wrong, strict.Splits!["train"].Dropped["wrong"]);
        Assert.Equal(12 - wrong, Dataset.Open(Out).Load("train").Count);
    }

    [Fact]
    public async Task Run_ShardOrLimit_CopiesSplitsThatAreNotAnnotatedWhole()
    {
        TestData.Write(Work["data"], 10, 4, 7);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        foreach (var options in (AnnotateOptions[])[Options(endpoint) with { Shard = "1/2" }, Options(endpoint) with { Limit = 2 }])
        {
            await Annotator.RunAsync(options with { Overwrite = true }, Reporter.None);
            var (written, asked) = (Dataset.Open(Out), options.Limit is null ? 5 : 2);
            Assert.Equal((asked, 2), (written.Load("train").Count, written.Load("validation").Count));
            Assert.Equal(Dataset.Open(Work["data"]).Load("test"), written.Load("test"));
        }
    }

    [Fact]
    public async Task Run_StructuredAnswers_SendTheSchemaAndReadJson()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            JsonSerializer.Serialize(new
            {
                rationale = $"The number {TestData.Number(q)} ends so.",
                label = TestData.Number(q) % 2 == 0 ? "even" : "odd",
            }));
        var result = await Annotator.RunAsync(Options(endpoint) with { Structured = true }, Reporter.None);
        Assert.Equal((6L, 1.0), (result.Splits!["train"].Kept, result.Splits["train"].TeacherAccuracy));
        Assert.True(endpoint.Bodies.TryDequeue(out var body));
        var schema = body.GetProperty("response_format").GetProperty("json_schema").GetProperty("schema");
        Assert.Equal(
            ["even", "odd"],
            schema.GetProperty("properties").GetProperty("label").GetProperty("enum").EnumerateArray().Select(e => e.GetString()));
    }

    [Fact]
    public async Task Run_CompletionStyle_SendsOneTextWithStops()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            " " + TestData.Right(q) + "\n\nQ: Is 3 even or odd?\nA: So the answer is even.");
        File.WriteAllText(Work["shots.jsonl"], """{"input":"Is 8 even or odd?","label":"even","rationale":"Eight is twice four."}""");
        var result = await Annotator.RunAsync(
            Options(endpoint) with { Style = PromptStyle.Completion, Exemplars = Work["shots.jsonl"], Seed = 5, SendSeed = true },
            Reporter.None);
        Assert.Equal((6L, 1.0), (result.Splits!["train"].Kept, result.Splits["train"].TeacherAccuracy));
        Assert.Equal(6, endpoint.Calls["/v1/completions"]);
        Assert.True(endpoint.Bodies.TryDequeue(out var body));
        Assert.Contains(
            "Q: Is 8 even or odd?\nA: Eight is twice four. So the answer is even.\n\nQ: Is train", body.GetProperty("prompt").GetString());
        Assert.Equal("\n\nQ:", body.GetProperty("stop")[0].GetString());
        Assert.Equal(5, body.GetProperty("seed").GetInt32());
    }

    [Theory]
    [InlineData("""{"input":"Is 8 even or odd?","label":"perhaps","rationale":"Eight is twice four."}""", "\"perhaps\"")]
    [InlineData("""{"input":" ","label":"even","rationale":"Eight is twice four."}""", "\"input\" is empty")]
    [InlineData("""{"input":"8?","label":"even","rationale":"Twice four.","choices":["even","odd"]}""", "\"choices\": expected none")]
    public async Task Run_ExemplarThatDoesNotFitTheTask_NamesFileAndRowAndAsksNothing(string row, string expected)
    {
        TestData.Write(Work["data"], 3);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        File.WriteAllLines(Work["shots.jsonl"], ["""{"input":"Is 7 even or odd?","label":"odd","rationale":"It ends so."}""", row]);
        await Fails(Options(endpoint) with { Exemplars = Work["shots.jsonl"] }, $"{Work["shots.jsonl"]}: row 2: ", expected);
        File.WriteAllText(
            Work["prompt.json"], $$"""{"instruction":"","question":"{input}","answer":"{rationale} {label}","exemplars":[{{row}}]}""");
        await Fails(Options(endpoint) with { Prompt = Work["prompt.json"] }, $"{Work["prompt.json"]}: exemplar 1: ", expected);
        Assert.Empty(endpoint.Bodies);
    }

    [Fact]
    public async Task Run_PlanPreviewAndOffline_AskNoRow()
    {
        TestData.Write(Work["data"], 30);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        await Annotator.RunAsync(Options(endpoint) with { Limit = 10 }, Reporter.None);
        var options = Options(endpoint) with { Overwrite = true };
        var unnamed = await Annotator.RunAsync(options with { Plan = true, Out = "" }, Reporter.None);
        Assert.Equal((30L, 0L), (unnamed.Plan!.Requests, unnamed.Plan.RequestsPaid));
        var plan = (await Annotator.RunAsync(options with { Plan = true, RequestsPerMinute = 10 }, Reporter.None)).Plan!;
        Assert.Equal((30L, 30L, 10L), (plan.Rows, plan.Requests, plan.RequestsPaid));
        Assert.Equal(2, plan.Minutes);
        Assert.Contains("accepts the key", plan.Check);
        Assert.InRange(plan.InputTokens, 20 * 20, 20 * 200);
        Assert.Contains(
            "no model \"other\"",
            (await Assert.ThrowsAsync<InputException>(() =>
                Annotator.RunAsync(options with { Plan = true, Teacher = $"openai:other@{endpoint.Url}" }, Reporter.None))).Message);
        Assert.Contains(
            "401",
            (await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(
                options with { Plan = true, ApiKey = "x" }, Reporter.None))).Message);

        var preview = (await Annotator.RunAsync(options with { Preview = 2, Out = "" }, Reporter.None)).Preview!;
        Assert.Equal(["train-0", "train-1"], preview.Select(p => p.Id));
        Assert.Equal(["system", "user"], preview[0].Messages.Select(m => m.Role));
        Assert.Contains("even, odd", preview[0].Messages[0].Text);
        Assert.Equal("Q: Is train 0 even or odd?\nA:", preview[0].Messages[1].Text);

        var offline = await Annotator.RunAsync(options with { Offline = true }, Reporter.None);
        Assert.Equal(
            (false, 10L, 20L), (offline.Complete!.Value, offline.Kept, offline.Left));
        Assert.Equal(10, endpoint.Calls["/v1/chat/completions"]);
    }
}
