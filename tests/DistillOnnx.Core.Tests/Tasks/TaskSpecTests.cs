using System.Text;
using DistillOnnx.Core.Tasks;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tasks;

public sealed class TaskSpecTests
{
    [Fact]
    public void Parse_OnlyWhatIsRequired_GivesTheDefaults()
    {
        var task = TaskSpec.Parse("""{"name":"t","kind":"text"}"""u8, "here");

        Assert.Equal(new TaskSpec { Name = "t", Kind = TaskKind.Text }, task);
        Assert.Equal("predict: ", task.PredictPrefix);
    }

    [Fact]
    public void Load_SavedTask_IsTheSame()
    {
        using var work = new TemporaryDirectory();
        var task = new TaskSpec
        {
            Name = "nli",
            Kind = TaskKind.Labels,
            Labels = ["ja", "nön"],
            PredictPrefix = "",
            SegmentSeparator = "</s>",
            MaxInputTokens = 64,
            MaxLabelTokens = 4,
        };

        task.Save(work.Path);

        Assert.Equivalent(task, TaskSpec.Load(work.Path), strict: true);
        Assert.Contains("\"segment_separator\": \"</s>\"", File.ReadAllText(work["task.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"t","kind":"table"}""", "\"kind\": expected one of labels, choices, text, found \"table\"")]
    [InlineData("""{"name":"t"}""", "\"kind\" is missing")]
    [InlineData("""{"kind":"text"}""", "\"name\" is missing")]
    [InlineData("""{"name":"t","kind":"text","metric":"bleu"}""", "\"metric\": expected one of text, equation, found \"bleu\"")]
    [InlineData("""{"name":"t","kind":"text","predict_prefix":null}""", "\"predict_prefix\" may be empty but not null")]
    [InlineData("""{"name":"t","kind":"labels","labels":["a"]}""", "\"labels\" needs at least two labels")]
    [InlineData("""{"name":"t","kind":"labels","labels":["a","a"]}""", "\"labels\" names a label twice")]
    [InlineData("""{"name":"t","kind":"choices","labels":["a","b"]}""", "\"labels\" goes with kind \"labels\" only")]
    [InlineData("""{"name":"t","kind":"text","segment_separator":""}""", "\"segment_separator\" may be absent but not empty")]
    [InlineData("""{"name":"t","kind":"text","max_input_tokens":1}""", "\"max_input_tokens\" must be at least 2")]
    [InlineData(
        """{"name":"t","kind":"text","predict_prefx":""}""",
        "unknown key \"predict_prefx\"; the keys are name, kind, labels, metric, predict_prefix, explain_prefix")]
    [InlineData("""{"name":"t","kind":"text","name":"u"}""", "name")]
    [InlineData("[]", "not a task description")]
    [InlineData("null", "expected a JSON object, found null")]
    [InlineData("""{"name":7}""", "not a task description")]
    [InlineData("""{"name":"\ud800","kind":"text"}""", "not a task description")]
    public void Parse_FaultyTask_SaysWhatWasExpected(string json, string message)
    {
        var fault = Assert.Throws<InputException>(() => TaskSpec.Parse(Encoding.UTF8.GetBytes(json), "here"));

        Assert.StartsWith("here: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }
}
