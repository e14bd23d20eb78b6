using System.Text.Json;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Server.Tests.Collecting;

/// <summary>What a server keeps of its calls.</summary>
public sealed class CollectorTests
{
    private static readonly string[] Texts = [.. Enumerable.Range(90, 110).Select(i => $"text {i} of a caller")];

    [Fact]
    public async Task Collect_AbstainedAndDoubtfulInputs_AreKeptOnceAsRowsOfADataset()
    {
        using var directory = new TemporaryDirectory();
        var fake = new FakePredictor();
        var answers = Texts.ToDictionary(t => t, t => fake.Answer(t));
        var doubtful = answers.Where(a => a.Value.Abstained || a.Value.Probability < 0.45).Select(a => a.Key).ToList();
        Assert.Contains(answers, a => a.Value.Abstained);
        Assert.InRange(doubtful.Count, 2, Texts.Length - 2);

        // Twice each, and again after a restart.
        for (var run = 0; run < 2; run++)
        {
            await using var server = await TestServer.StartAsync(configure: o => o with { Collecting = Options(directory["kept"], 0.45) });
            await server.Client.PredictAsync("nli", Texts.Concat(Texts)).WaitAsync(TestServer.Patience);
        }

        var rows = Rows(directory["kept/nli"]);
        Assert.Equal(doubtful.Order(), rows.Select(r => r.GetProperty("input").GetString()!).Order());
        Assert.All(rows, r =>
        {
            var expected = answers[r.GetProperty("input").GetString()!];
            Assert.Equal(expected.Label, r.GetProperty("student_label").GetString());
            Assert.Equal(expected.Probability, r.GetProperty("student_probability").GetDouble());
            Assert.Equal(expected.Abstained ? "abstained" : "below", r.GetProperty("reason").GetString());
            Assert.Equal(("nli", "1"), (r.GetProperty("model").GetString(), r.GetProperty("version").GetString()));
        });
        Assert.Equal(FakePredictor.Labels, TaskSpec.Load(directory["kept/nli/task.json"]).Labels);
        Assert.Empty(Directory.EnumerateFiles(directory["kept/nli"], ".*"));

        // As the next stage reads them.
        var line = File.ReadLines(Directory.EnumerateFiles(directory["kept/nli"], "rows-*.jsonl").First()).First();
        var example = ExampleJson.Parse(System.Text.Encoding.UTF8.GetBytes(line), "row 1", "1");
        Assert.Null(example.Label);
        Assert.Contains(example.Input, doubtful);
    }

    [Fact]
    public async Task Collect_ShareOfOne_KeepsEveryInputAndFewNoMoreThanTheRateAllows()
    {
        using var directory = new TemporaryDirectory();
        var all = Options(directory["all"], 0, share: 1);
        await using (var server = await TestServer.StartAsync(configure: o => o with { Collecting = all }))
            await server.Client.PredictAsync("nli", Texts).WaitAsync(TestServer.Patience);
        var few = Options(directory["few"], 0, share: 1) with { CollectRowsPerMinute = 7 };
        await using (var server = await TestServer.StartAsync(configure: o => o with { Collecting = few }))
            await server.Client.PredictAsync("nli", Texts).WaitAsync(TestServer.Patience);

        Assert.Equal(Texts.Order(), Rows(directory["all/nli"]).Select(r => r.GetProperty("input").GetString()!).Order());
        Assert.Equal(7, Rows(directory["few/nli"]).Count);
    }

    [Fact]
    public async Task Collect_NotAsked_KeepsNothing()
    {
        using var directory = new TemporaryDirectory();
        await using (var server = await TestServer.StartAsync())
            await server.Client.PredictAsync("nli", Texts).WaitAsync(TestServer.Patience);

        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
        Assert.NotEmpty((new ServerOptions { Model = [directory.Path], Collecting = new() { CollectBelow = 0.5 } }).Validate());
    }

    [Fact]
    public async Task Collect_WithExpressions_KeepsNothingThatTheyMatch()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["rules"], "# mail\n[a-z.]+@[a-z.]+\n\\b\\d{4,}\\b\t<number>\n");
        var options = Options(directory["kept"], 0, share: 1) with { CollectRedact = directory["rules"] };
        await using (var server = await TestServer.StartAsync(configure: o => o with { Collecting = options }))
            await server.Client.PredictAsync("nli", ["ask jo.doe@example.org about 12345", "call 7 times"]).WaitAsync(TestServer.Patience);

        Assert.Equal(
            ["ask [redacted] about <number>", "call 7 times"],
            Rows(directory["kept/nli"]).Select(r => r.GetProperty("input").GetString()!));
    }

    [Fact]
    public void Validate_ExpressionThatIsNone_NamesFileAndLine()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["rules"], "good\n(bad\n");

        var options = new CollectOptions { Collect = "x", CollectRedact = directory["rules"] };
        var faults = new ServerOptions { Model = [directory.Path], Collecting = options }.Validate();

        var expected = $"collect-redact: {directory["rules"]}: line 2: expected a regular expression";
        Assert.StartsWith(expected, Assert.Single(faults), StringComparison.Ordinal);
    }

    private static CollectOptions Options(string directory, double below, double share = 0) =>
        new() { Collect = directory, CollectBelow = below, CollectShare = share };

    private static List<JsonElement> Rows(string directory) =>
    [
        .. Directory.EnumerateFiles(directory, "rows-*.jsonl").Order(StringComparer.Ordinal).SelectMany(File.ReadLines)
            .Select(l => JsonDocument.Parse(l).RootElement),
    ];
}
