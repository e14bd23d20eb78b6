using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Completions;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

public class PromptTests
{
    private static readonly string[] Nli = ["entailment", "neutral", "contradiction"];

    private static TaskSpec Task(string name) => name switch
    {
        "svamp" or "equation" => new TaskSpec { Name = name, Kind = TaskKind.Text, Metric = TaskMetric.Equation },
        "cqa" or "choices" => new TaskSpec { Name = name, Kind = TaskKind.Choices },
        "text" => new TaskSpec { Name = name, Kind = TaskKind.Text },
        _ => new TaskSpec { Name = name, Kind = TaskKind.Labels, Labels = Nli, SegmentSeparator = "</s>" },
    };

    public static TheoryData<string> Names => [.. PromptTemplate.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void BuiltIn_Exemplars_AreAnsweredInTheFormThatIsParsed(string name)
    {
        var task = Task(name);
        var template = PromptTemplate.For(task);
        var parser = CompletionParser.For(task);
        var shown = template.Exemplars.Select(e => (e.Input, e.Choices, e.Rationale, e.Label)).ToList();
        if (name is "svamp" or "cqa" or "esnli" or "anli1") Assert.InRange(shown.Count, 3, 8);
        foreach (var (input, choices, rationale, label) in shown)
        {
            var prompt = new PromptRenderer(task, template, PromptStyle.Chat, structured: false).Render(new Example
            {
                Id = "x",
                Input = "another",
                Choices = choices,
            });
            var at = prompt.ToList().FindIndex(m => m.Role.Value == "assistant" && m.Text.StartsWith(rationale, StringComparison.Ordinal));
            var parsed = parser.Parse(prompt[at].Text);
            Assert.Equal(rationale, parsed.Rationale);
            Assert.True(Accuracy.IsCorrect(task.Metric, parsed.Label!, label), prompt[at].Text);
            if (task.Metric == TaskMetric.Equation) Assert.True(Arithmetic.TryEvaluate(label, out _));
            if (choices is not null) Assert.Contains(label, choices);
            if (task.SegmentSeparator is { } separator) Assert.Contains(separator, input);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Render_Schema_LeavesOutTheFormOfFreeText(bool structured)
    {
        foreach (var name in PromptTemplate.Names)
        {
            var renderer = new PromptRenderer(TestData.Task, PromptTemplate.BuiltIn(name), PromptStyle.Chat, structured);
            var system = renderer.Render(TestData.Row("train", 1))[0].Text;
            Assert.Equal(structured, !system.Contains("End with", StringComparison.Ordinal));
            Assert.Equal(structured, system.Contains("JSON", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Render_NliRow_NamesPremiseAndHypothesis()
    {
        var prompt = new PromptRenderer(
            Task("esnli"),
            PromptTemplate.BuiltIn("esnli"),
            PromptStyle.Chat,
            false).Render(new Example { Id = "x", Input = "A {label} b.</s>C d." });
        Assert.Equal("Premise: A {label} b.\nHypothesis: C d.\nAnswer:", prompt[^1].Text);
    }

    [Fact]
    public void Render_Choices_ListsThemOnce()
    {
        var renderer = new PromptRenderer(Task("cqa"), PromptTemplate.BuiltIn("cqa"), PromptStyle.Chat, false);
        var bare = new Example { Id = "x", Input = "What?", Choices = ["one", "two"] };
        const string Expected = "Q: What?\nAnswer Choices:\n(a) one\n(b) two\nA:";
        Assert.Equal(Expected, renderer.Render(bare)[^1].Text);
        Assert.Equal(Expected, renderer.Render(bare with { Input = "What?\nAnswer Choices:\n(a) one\n(b) two" })[^1].Text);
        Assert.EndsWith(
            "(The correct choice is (b) two. Explain why, without mentioning that it was given, and end with it.)",
            renderer.Render(bare, "two")[^1].Text);
    }

    [Fact]
    public void Render_RowThatIsAnExemplar_IsNotShownItsAnswer()
    {
        var template = PromptTemplate.BuiltIn("cqa");
        var exemplar = template.Exemplars[0];
        var prompt = new PromptRenderer(Task("cqa"), template, PromptStyle.Chat, false).Render(new Example
        {
            Id = "x",
            Input = exemplar.Input,
            Choices = exemplar.Choices,
        });
        Assert.DoesNotContain(prompt, m => m.Text.Contains(exemplar.Rationale, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}", "not a prompt template")]
    [InlineData("{\"instruction\":\"\",\"question\":\"x\",\"answer\":\"{rationale} {label}\"}", "\"question\" must hold")]
    [InlineData("{\"instruction\":\"\",\"question\":\"{input}\",\"answer\":\"{label}\"}", "\"answer\" must hold")]
    [InlineData("{\"instruction\":\"\",\"question\":\"{input}\",\"answer\":\"{rationale} {label}\",\"stops\":[]}", "not a prompt template")]
    public void Load_BadTemplate_DescribesTheFault(string json, string expected)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["p.json"], json);
        Assert.Contains(expected, Assert.Throws<InputException>(() => PromptTemplate.Load(directory["p.json"])).Message);
    }
}
