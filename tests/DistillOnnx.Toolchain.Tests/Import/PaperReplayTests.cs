using System.Text.Json;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.Teacher.Tests;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>An endpoint that answers with the completions of the paper's teacher gives what importing them gives.</summary>
public sealed class PaperReplayTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("replay-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData("svamp", 588, 148)]
    [InlineData("cqa", 7234, 943)]
    public async Task Annotate_ReplayedCompletions_GivesTheLabelsAndAccuraciesOfTheImport(string set, long train, long test)
    {
        var from = SharedData.Require($"data/dss/{set}");
        var imported = Path.Combine(_work, "imported");
        var expected = DatasetImporter.Import(new ImportOptions { Source = $"dss:{set}", From = [from], Out = imported }, Reporter.None);
        var completions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var split in (string[])["train", "test"])
        {
            var rows = Dataset.Open(imported).Load(split);
            foreach (var (row, completion) in rows.Zip(Completions(from, split))) completions.Add(row.Input, completion);
        }

        await using var endpoint = await FakeEndpoint.StartAsync(
            q => completions[q[(q.LastIndexOf("\n\nQ: ", StringComparison.Ordinal)
                + "\n\nQ: ".Length)..q.LastIndexOf("\nA:", StringComparison.Ordinal)]],
            keepsBodies: false);
        var options = new AnnotateOptions
        {
            Data = imported,
            Teacher = endpoint.Spec,
            Out = Path.Combine(_work, "annotated"),
            ApiKey = FakeEndpoint.Key,
            Splits = ["train", "test"],
            Style = PromptStyle.Completion,
            Concurrency = 64,
            ParseRetries = 0,
            MinRationaleWords = 0,
            MaxRationaleWords = 100_000,
        };
        var result = await Annotator.RunAsync(
            options,
            Reporter.None,
            TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(10), TestContext.Current.CancellationToken);

        Assert.Equal(completions.Count, endpoint.Charged.Count);
        foreach (var (split, right) in ((string, long)[])[("train", train), ("test", test)])
        {
            Assert.Equal(expected.Splits[split].TeacherAccuracy, result.Splits![split].TeacherAccuracy);
            Assert.Equal(right, Math.Round(result.Splits[split].TeacherAccuracy!.Value * result.Splits[split].Rows));
            Assert.Equal(expected.Splits[split].Unparsed, result.Splits[split].Dropped.GetValueOrDefault("unparsable"));
            var rows = Dataset.Open(options.Out).Load(split);
            Assert.Equal(Dataset.Open(imported).Load(split).Select(r => (r.Id, r.TeacherLabel)), rows.Select(r => (r.Id, r.TeacherLabel)));
        }
    }

    // In the order of the split's rows.
    private static IEnumerable<string> Completions(string directory, string split)
    {
        for (var k = 0; Path.Combine(directory, "llm", $"{split}_CoT_{k}.json") is var path && File.Exists(path); k++)
        {
            foreach (var completion in JsonSerializer.Deserialize<string[]>(File.ReadAllText(path))!) yield return completion;
        }
    }
}
