using System.Text.Json;
using DistillOnnx.Core.Completions;
using DistillOnnx.Core.Data;
using DistillOnnx.Core.Reporting;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Teacher.Tests;

/// <summary>An endpoint that answers with the completions of the paper's teacher gives what importing them gives.</summary>
public sealed class PaperReplayTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("svamp", "test", 1, 0.74)]
    [InlineData("cqa", "test", 2, 0.772)]
    public async Task Run_ReplayedCompletions_GivesThePapersLabelsAndAccuracy(string set, string split, int files, double accuracy)
    {
        var root = Path.Combine(Shared(), "data", "dss", set);
        Assert.SkipUnless(Directory.Exists(root), $"data/dss/{set} is missing from the shared data; set DISTILLONNX_SHARED to where it is");
        var task = set == "svamp"
            ? new TaskSpec { Name = set, Kind = TaskKind.Text, Metric = TaskMetric.Equation }
            : new TaskSpec { Name = set, Kind = TaskKind.Choices };
        var rows = File.ReadLines(Path.Combine(root, $"{set}_{split}.json")).Select((l, i) => Row(JsonDocument.Parse(l).RootElement, set, i)).ToList();
        var completions = Enumerable.Range(0, files).SelectMany(k => JsonSerializer.Deserialize<List<string>>(File.ReadAllText(Path.Combine(root, "llm", $"{split}_CoT_{k}.json")))!).ToList();
        Assert.Equal(rows.Count, completions.Count);
        using (var writer = DatasetWriter.Create(_directory.File("data"), task))
        {
            foreach (var row in rows) writer.Write("train", row);
            writer.Commit();
        }

        // Equal questions have completions of their own; they come in the order of the rows.
        var byQuestion = rows.Zip(completions).GroupBy(p => p.First.Input).ToDictionary(g => g.Key, g => g.First().Second);
        await using var endpoint = await FakeEndpoint.StartAsync(q => byQuestion[q["Q: ".Length..q.LastIndexOf("\nA:", StringComparison.Ordinal)]]);
        var options = TestData.Options(_directory.File("data"), endpoint.Spec, _directory.File("out")) with { MinRationaleWords = 0, ParseRetries = 0 };
        var result = await Annotator.RunAsync(options, Reporter.None);
        Assert.Equal(accuracy, result.Splits!["train"].TeacherAccuracy!.Value, 3);
        var parser = CompletionParser.For(task);
        foreach (var row in Dataset.Open(options.Out).Load("train")) Assert.Equal(parser.Parse(byQuestion[row.Input]).Label, row.TeacherLabel);
    }

    public void Dispose() => _directory.Dispose();

    private static Example Row(JsonElement row, string set, int i)
    {
        if (set == "svamp") return new Example { Id = $"{i}", Input = row.GetProperty("input").GetString()!.Trim(), Label = row.GetProperty("label").GetString() };
        var choices = row.GetProperty("choices").EnumerateArray().Select(c => c.GetString()!).ToList();
        var lines = choices.Select((c, k) => $"({(char)('a' + k)}) {c}");
        return new Example
        {
            Id = $"{i}",
            Input = $"{row.GetProperty("question").GetString()}\nAnswer Choices:\n{string.Join('\n', lines)}",
            Label = row.GetProperty("answer").GetString(),
            Choices = [.. choices.Distinct()],
        };
    }

    private static string Shared()
    {
        if (Environment.GetEnvironmentVariable("DISTILLONNX_SHARED") is { Length: > 0 } set) return set;
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "DistillOnnx.sln"))) return Path.Combine(directory.FullName, "..", "shared");
        }

        return "shared";
    }
}
