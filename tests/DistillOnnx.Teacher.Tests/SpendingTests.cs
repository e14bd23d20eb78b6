using System.Text.Json;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>What a run spends, and how it ends where that is limited.</summary>
public sealed class SpendingTests : AnnotationTest
{
    [Fact]
    public async Task Run_SeveralModelsInOneJournal_AreEachCountedAtTheirPrice()
    {
        TestData.Write(Work["data"], 4);
        File.WriteAllText(
            Work["prices.json"], """{"models":{"one":{"input":1000000,"output":0},"two":{"input":0,"output":1000000}}}""");
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var options = Options(endpoint) with { Prices = Work["prices.json"], Overwrite = true };
        foreach (var model in (string[])["one", "two"])
        {
            await Annotator.RunAsync(
                options with { Teacher = $"openai:{model}@{endpoint.Url}" },
                new FixedTeacher("It ends so. So the answer is even.", 3, 5),
                TimeProvider.System,
                Reporter.None);
        }

        var ledger = JsonDocument.Parse(File.ReadAllText(Path.Combine(Out, "annotation.json"))).RootElement.GetProperty("ledger");
        Assert.Equal(
            (8, 24, 40, 32.0),
            (
                ledger.GetProperty("answers").GetInt32(),
                ledger.GetProperty("input_tokens").GetInt32(),
                ledger.GetProperty("output_tokens").GetInt32(),
                ledger.GetProperty("cost").GetDouble()));
        Assert.Equal(
            (12.0, 20.0),
            (
                ledger.GetProperty("models").GetProperty("one").GetProperty("cost").GetDouble(),
                ledger.GetProperty("models").GetProperty("two").GetProperty("cost").GetDouble()));
        await Fails(options with { Teacher = $"openai:{FakeEndpoint.Model}@{endpoint.Url}", Budget = 1 }, "--budget", "does not know");
    }

    [Fact]
    public async Task Run_Budget_StopsBeforeItIsExceededAndResumesLater()
    {
        TestData.Write(Work["data"], 100);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        File.WriteAllText(
            Work["prices.json"], "{\"models\":{\"" + FakeEndpoint.Model + "\":{\"input\":1000000,\"output\":1000000}}}");
        var options = Options(endpoint) with { MaxOutputTokens = 20, Prices = Work["prices.json"], Budget = 1000 };
        var first = await Annotator.RunAsync(options, Reporter.None);
        Assert.False(first.Complete);
        var spent = endpoint.Charged.Values.Sum(c => c.Input + c.Output);
        Assert.InRange(spent, 500, 1000);
        Assert.Equal(spent, first.Cost);
        Assert.Equal(100 - endpoint.Charged.Count, first.Left);
        var tokens = await Annotator.RunAsync(options with { Budget = null, BudgetTokens = spent, Overwrite = true }, Reporter.None);
        Assert.Equal(0, tokens.Requests);
        var rest = await Annotator.RunAsync(options with { Budget = 100_000, Overwrite = true }, Reporter.None);
        Assert.True(rest.Complete);
        Assert.Equal(100, endpoint.Charged.Count);
        Assert.Empty(endpoint.Repeated);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(30, null)]
    public async Task Run_EndpointThatCountsNoTokens_IsChargedWhatTheBudgetReservedInLaterRunsToo(int? input, int? output)
    {
        TestData.Write(Work["data"], 40);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var teacher = new FixedTeacher("It ends so. So the answer is even.", input, output);
        var options = Options(endpoint) with { MaxOutputTokens = 100, BudgetTokens = 2000, Overwrite = true };
        var reporter = new RecordingReporter();

        var first = await Annotator.RunAsync(options, teacher, TimeProvider.System, reporter);
        var second = await Annotator.RunAsync(options, teacher, TimeProvider.System, Reporter.None);
        var more = await Annotator.RunAsync(options with { BudgetTokens = null }, teacher, TimeProvider.System, Reporter.None);

        Assert.InRange(first.Requests!.Value, 5, 19);
        Assert.Equal(100 * first.Requests, first.OutputTokens);
        Assert.InRange(first.InputTokens!.Value + first.OutputTokens!.Value, 1000, 2000);
        Assert.Contains(
            $"{first.Requests} answers came without a count of their tokens: they count as the most that the budget reserved for them",
            reporter.Warnings);
        Assert.Equal((0L, first.OutputTokens), (second.Requests, second.OutputTokens));
        Assert.Equal(40 - first.Requests, more.Requests);
        Assert.InRange((more.OutputTokens!.Value - first.OutputTokens!.Value) / more.Requests!.Value, 5, 30);
    }

    [Fact]
    public async Task Run_BudgetSpent_SaysWhatIsLeftAndHowToGoOn()
    {
        TestData.Write(Work["data"], 40);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var options = Options(endpoint) with { MaxOutputTokens = 20, BudgetTokens = 400, Concurrency = 1, Report = Work["page.html"] };
        var reporter = new RecordingReporter();
        var result = await Annotator.RunAsync(options, reporter);
        Assert.Equal((false, "budget", 40L, 0L), (result.Complete, result.IncompleteReason, result.Rows, result.Dropped));
        Assert.Equal((endpoint.Charged.Count, 40L - endpoint.Charged.Count), (result.Kept, result.Left));
        Assert.InRange(result.Kept!.Value, 1, 39);
        Assert.Equal(result.Left, result.Splits!["train"].Left);
        var warning = Assert.Single(reporter.Warnings);
        Assert.StartsWith($"incomplete: {result.Left} of 40 rows are left, for the budget is spent", warning, StringComparison.Ordinal);
        Assert.Contains("--overwrite and a larger --budget", warning);
        Assert.Contains($"{result.Left} of 40 rows are left", File.ReadAllText(Work["page.html"]));
        var info = JsonDocument.Parse(File.ReadAllText(Path.Combine(Out, "dataset.json"))).RootElement;
        Assert.Equal((false, result.Left), (info.GetProperty("complete").GetBoolean(), info.GetProperty("rows_left").GetInt64()));

        var rest = await Annotator.RunAsync(options with { BudgetTokens = null, Overwrite = true }, Reporter.None);
        Assert.Equal((true, null, 40L, 0L), (rest.Complete, rest.IncompleteReason, rest.Kept, rest.Left));
        Assert.Equal(result.Left, rest.Requests);
        info = JsonDocument.Parse(File.ReadAllText(Path.Combine(Out, "dataset.json"))).RootElement;
        Assert.True(info.GetProperty("complete").GetBoolean());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_BudgetForNoRow_FailsAndSaysSo(bool batch)
    {
        TestData.Write(Work["data"], 40);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var fault = await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(
            Options(endpoint) with { BudgetTokens = 50, Batch = batch, BatchPoll = 0.01 }, Reporter.None));
        Assert.Equal(
            "no row was kept: incomplete: 40 of 40 rows are left, for the budget is spent; the same command with --overwrite and a larger "
            + "--budget or --budget-tokens asks only these",
            fault.Message);
        Assert.Empty(endpoint.Charged);
        Assert.Empty(endpoint.Batches.Charged);
    }

    [Fact]
    public async Task Run_BatchBudgetSpent_IsIncompleteForThatReason()
    {
        TestData.Write(Work["data"], 40);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var result = await Annotator.RunAsync(
            Options(endpoint) with { BudgetTokens = 400, MaxOutputTokens = 100, Batch = true, BatchPoll = 0.01 }, Reporter.None);
        Assert.Equal((false, "budget"), (result.Complete, result.IncompleteReason));
        Assert.InRange(result.Left!.Value, 1, 39);
    }
}
