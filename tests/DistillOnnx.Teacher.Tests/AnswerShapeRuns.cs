using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Annotates a row for each shape of answer: as chat, by schema, and by batch jobs.</summary>
public sealed class AnswerShapeRuns : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<(string Mode, int Shape), (string Verdict, string? Label, string? Rationale)> _rows = [];

    /// <summary>The ways of asking.</summary>
    public static IReadOnlyList<string> Modes { get; } = ["chat", "structured", "batch"];

    /// <summary>What became of a shape.</summary>
    public (string Verdict, string? Label, string? Rationale) this[string mode, int shape] => _rows[(mode, shape)];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        var task = new TaskSpec { Name = "tickets", Kind = TaskKind.Labels, Labels = ["bug", "question", "feature_request"] };
        using (var writer = DatasetWriter.Create(_directory["data"], task))
        {
            for (var i = 0; i < AnswerShapes.All.Count; i++)
                writer.Write(SplitNames.Train, new Example { Id = $"{i}", Input = $"ticket {i} ends" });
            writer.Commit();
        }

        await using var endpoint = await FakeEndpoint.StartAsync(_ => "", instead: q => (200, Body(q)));
        endpoint.Batches.Body = Body;
        foreach (var mode in Modes)
        {
            var options = TestData.Options(_directory["data"], endpoint.Spec, _directory[mode]) with
            {
                ParseRetries = 0,
                Structured = mode == "structured",
                Batch = mode == "batch",
                BatchPoll = 0.01,
            };
            await Annotator.RunAsync(options, Reporter.None);
            var kept = Dataset.Open(options.Out).Load(SplitNames.Train, LabelNeed.None);
            foreach (var (i, line) in File.ReadAllLines(Path.Combine(options.Out, "provenance.jsonl")).Index())
                _rows.Add((mode, i), ((string)JsonNode.Parse(line)!["verdict"]!, kept[i].TeacherLabel, kept[i].Rationale));
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Body(string question)
    {
        var words = question.Split([' ', '\n']);
        var shape = AnswerShapes.All[int.Parse(
            words[Array.IndexOf(words, "ticket") + 1], System.Globalization.CultureInfo.InvariantCulture)];
        return JsonSerializer.Serialize(new
        {
            model = FakeEndpoint.Model,
            choices = new[] { new
            {
                finish_reason = shape.Finish,
                message = new { content = shape.Content, reasoning_content = shape.Thoughts },
            } },
            usage = new { prompt_tokens = 5, completion_tokens = 7 },
        });
    }
}
