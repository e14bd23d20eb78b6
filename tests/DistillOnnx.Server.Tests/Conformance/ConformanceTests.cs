using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>The same rows through every interface and in process: whole answers are the same, and so is what is refused.</summary>
public sealed class ConformanceTests
{
    private static readonly string[] Texts =
    [
        "a man sleeps", "two dogs run", string.Join(' ', Enumerable.Repeat("many words", 200)),
        "größe, naïve café", "日本語 and 🙂", "line one\nline two\ttab",
        "</s> in the text", "  spaces at both ends  ", "\"quotes\" and \\ backslashes",
    ];

    private static readonly string[][] Choices = [["yes", "no"], ["größer", "kleiner"], ["a cat", "🙂"]];

    private static readonly TaskSpec Labels = new()
    {
        Name = "nli",
        Kind = TaskKind.Labels,
        Labels = ["yes", "no", "maybe"],
        MaxInputTokens = 48,
    };

    private static readonly TaskSpec WithChoices = new() { Name = "cqa", Kind = TaskKind.Choices, MaxInputTokens = 48 };

    [Fact]
    public Task Labels_EveryInterface_GivesTheSameWholeAnswers() => CompareAsync(Labels, [.. Texts.Select(t => new Row(t))]);

    [Fact]
    public Task Choices_EveryInterface_GivesTheSameWholeAnswers() =>
        CompareAsync(WithChoices, [.. Texts.Select((t, i) => new Row(t, Choices[i % Choices.Length]))]);

    [Fact]
    public Task Explain_EveryInterface_GivesTheSameRationales() => CompareAsync(Labels, [.. Texts.Select(t => new Row(t))], explain: true);

    [Fact]
    public Task ExplainChoices_EveryInterface_GivesTheSameRationales() =>
        CompareAsync(WithChoices, [.. Texts.Select((t, i) => new Row(t, Choices[i % Choices.Length]))], explain: true);

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public async Task EmptyText_EveryInterface_IsRefusedByTheNameOfItsField(string empty)
    {
        await using var bundle = await ServedBundle.StartAsync(Labels, [new Row(Texts[0]), new Row(Texts[1])]);
        foreach (var (name, ask) in Interfaces.All)
        {
            var fault = await Assert.ThrowsAsync<RpcException>(() => ask(bundle, [new Row(empty)]));

            Assert.Equal((name, StatusCode.InvalidArgument), (name, fault.StatusCode));
            Assert.Contains("text: expected a text, found an empty one", fault.Status.Detail, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(2048, "tokens together, found more")]
    [InlineData(1 << 20, "tokens of beginnings that they share, found 5002")]
    public async Task LongChoices_EveryInterface_AreRefusedByTheirRow(int requestTokens, string fault)
    {
        Row[] good = [new(Texts[0], Choices[0]), new(Texts[1], Choices[1])];
        await using var bundle = await ServedBundle.StartAsync(
            WithChoices, good, configure: o => o with { RequestTokens = requestTokens });
        var same = new string('x', 5000);
        Row[] rows = [good[0], new(Texts[1], same + "a", same + "b")];
        foreach (var (name, ask) in Interfaces.All)
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => ask(bundle, rows));

            Assert.Equal((name, StatusCode.InvalidArgument), (name, refused.StatusCode));
            Assert.Contains("choices: expected at most ", refused.Status.Detail, StringComparison.Ordinal);
            if (name == "in process") continue;
            Assert.EndsWith(fault, refused.Status.Detail, StringComparison.Ordinal);

            // A stream has a request for each row.
            if (name != "gRPC stream") Assert.StartsWith("inputs[1]", refused.Status.Detail, StringComparison.Ordinal);
        }

        await CompareAsync(bundle, good, await bundle.InProcess(good));
    }

    [Fact]
    public async Task ExplainTrainedStudent_EveryInterface_GivesARationaleOfEachText()
    {
        var directory = Path.Combine(Repository.Root, "models", "quickstart", "bundle");
        Assert.SkipUnless(Directory.Exists(directory), "models/quickstart/bundle is not there: run scripts/quickstart");
        await using var bundle = await ServedBundle.StartAsync(directory, explain: true);
        Row[] rows =
        [
            new("Nora draws a red pear in the forest at noon. Does Nora draw a fruit outdoors?"),
            new("Paul touches a red plum in the forest at noon. Does Paul touch a tool?"),
        ];
        var expected = await bundle.InProcess(rows);

        Assert.Contains("pear", expected[0].Rationale, StringComparison.Ordinal);
        Assert.Contains("plum", expected[1].Rationale, StringComparison.Ordinal);
        await CompareAsync(bundle, rows, expected);
    }

    private static async Task CompareAsync(TaskSpec task, Row[] rows, bool explain = false)
    {
        await using var bundle = await ServedBundle.StartAsync(task, rows, explain);
        var expected = await bundle.InProcess(rows);
        Assert.All(expected, a => Assert.Equal(explain, a.Rationale is not null));

        // Rationales that are all the same would not tell one input from another.
        if (explain) Assert.True(expected.Select(a => a.Rationale).Distinct().Count() > 1);

        // The rows are of every kind that a caller must be able to tell apart.
        Assert.Equal([false, true], expected.Select(a => a.Abstained).Distinct().Order());
        Assert.Equal([false, true], expected.Select(a => a.Truncated).Distinct().Order());
        await CompareAsync(bundle, rows, expected);
    }

    private static async Task CompareAsync(ServedBundle bundle, Row[] rows, WholeAnswer[] expected)
    {
        foreach (var (name, ask) in Interfaces.All)
        {
            var found = await ask(bundle, rows);

            Assert.Equal((name, rows.Length), (name, found.Length));
            for (var i = 0; i < rows.Length; i++) WholeAnswer.AssertSame(expected[i], found[i], $"{name}, row {i}");
        }
    }
}
