using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

public class SingleFileChatClientTests
{
    private static readonly ChatMessage[] Prompt = [new(ChatRole.User, "x")];

    [Fact]
    public async Task GetResponseAsync_ManyAtOnce_AreAskedOneAfterAnother()
    {
        var model = new FaultyTeacher(_ => null);
        using var client = new SingleFileChatClient(model, _ => false);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.GetResponseAsync(Prompt, null, TestContext.Current.CancellationToken))).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal((20, 1), (model.Calls, model.MostAtOnce));
    }

    [Theory]
    [InlineData(0f, false)]
    [InlineData(0.7f, true)]
    public async Task GetResponseAsync_Properties_AreThoseOfTheModelsSearchAlone(float temperature, bool samples)
    {
        var model = new FaultyTeacher(_ => null);
        using var client = new SingleFileChatClient(model, _ => false);
        var options = new ChatOptions { Temperature = temperature, MaxOutputTokens = 9, AdditionalProperties = new AdditionalPropertiesDictionary { [RequestKey.Sample] = 3, [RequestKey.Input] = "x" } };
        await client.GetResponseAsync(Prompt, options, TestContext.Current.CancellationToken);
        var seen = Assert.Single(model.Options)!;
        Assert.Equal((9, temperature), (seen.MaxOutputTokens, seen.Temperature));
        Assert.Equal(samples, Assert.Single(seen.AdditionalProperties!).Value);
        Assert.Equal(2, options.AdditionalProperties.Count);
    }

    [Fact]
    public async Task GetResponseAsync_FaultOfTheModel_FailsTheRequestAlone()
    {
        var model = new FaultyTeacher(call => call == 1 ? new FormatException("input is\ntoo long") : null);
        using var client = new SingleFileChatClient(model, e => e is FormatException);
        var fault = await Assert.ThrowsAsync<TeacherException>(() => client.GetResponseAsync(Prompt, null, TestContext.Current.CancellationToken));
        Assert.Equal((TeacherFault.Request, "the model could not answer: input is too long"), (fault.Fault, fault.Message));
        Assert.Equal("x", (await client.GetResponseAsync(Prompt, null, TestContext.Current.CancellationToken)).Text);
    }
}
