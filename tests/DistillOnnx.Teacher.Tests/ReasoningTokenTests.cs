using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Limits;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Tokens of thoughts, where an endpoint counts them.</summary>
public sealed class ReasoningTokenTests : IDisposable
{
    private const string Answer = "It ends with a digit. So the answer is even.";
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Run_EndpointThatCountsThoughts_NamesThemInResultLedgerReportAndPlan()
    {
        TestData.Write(_directory["data"], 6);
        var body = JsonSerializer.Serialize(new
        {
            model = FakeEndpoint.Model,
            choices = new[] { new { finish_reason = "stop", message = new { content = Answer } } },
            usage = new { prompt_tokens = 10, completion_tokens = 50, completion_tokens_details = new { reasoning_tokens = 40 } },
        });
        await using var endpoint = await FakeEndpoint.StartAsync(_ => "", instead: _ => (200, body));
        var options = TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]) with
        {
            Limit = 4,
            Report = _directory["page.html"],
        };
        var result = await Annotator.RunAsync(options, Reporter.None);
        Assert.Equal((200L, 160L), (result.OutputTokens, result.ReasoningTokens));
        var ledger = JsonNode.Parse(File.ReadAllText(_directory["out/annotation.json"]))!["ledger"]!;
        Assert.Equal((200, 160), ((int)ledger["output_tokens"]!, (int)ledger["reasoning_tokens"]!));
        Assert.Contains("of thoughts", File.ReadAllText(_directory["page.html"]), StringComparison.Ordinal);

        // Two rows are left, at the mean of those paid for.
        var plan = (await Annotator.RunAsync(options with { Limit = null, Plan = true, Report = null }, Reporter.None)).Plan!;
        Assert.Equal((4L, 100L, 80L), (plan.RequestsPaid, plan.OutputTokens, plan.ReasoningTokens));
    }

    [Fact]
    public async Task Run_EndpointThatCountsNone_NamesNone()
    {
        TestData.Write(_directory["data"], 2);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var options = TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]);
        Assert.Null((await Annotator.RunAsync(options, Reporter.None)).ReasoningTokens);
        Assert.Null((await Annotator.RunAsync(options with { Plan = true }, Reporter.None)).Plan!.ReasoningTokens);
        Assert.Null(JsonNode.Parse(File.ReadAllText(_directory["out/annotation.json"]))!["ledger"]!["reasoning_tokens"]);
    }

    [Fact]
    public async Task GetResponseAsync_ThoughtsBeyondTheLimit_AreReservedForTheNextAnswer()
    {
        // The first answer takes 500 tokens where 100 were allowed: another of that size is no longer within 900.
        using var client = new BudgetedChatClient(new FixedTeacher("x", 0, 500), new Budget(null, 900, null, 0, 0));
        var request = new Microsoft.Extensions.AI.ChatOptions { MaxOutputTokens = 100 };
        await client.GetResponseAsync([], request, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<TeacherException>(() => client.GetResponseAsync([], request, TestContext.Current.CancellationToken));
        Assert.True(client.Exhausted);
    }

    public void Dispose() => _directory.Dispose();
}
