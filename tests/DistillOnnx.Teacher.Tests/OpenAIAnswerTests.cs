using System.Text;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Bodies of answers as services behind OpenAI's protocol write them.</summary>
public sealed class OpenAIAnswerTests
{
    private static readonly Uri Place = new("http://127.0.0.1:9/v1");
    private static readonly OpenAIAnswer Answers = new(
        new Endpoint(Place, null, "key", "model", "place"), "m", PromptStyle.Chat);

    [Theory]
    [InlineData("""{"message":{"content":"So."},"finish_reason":"stop"}""", "So.", null, "stop")]
    [InlineData("""{"message":{"content":"So.","reasoning_content":"Hm."},"finish_reason":"stop"}""", "So.", "Hm.", "stop")]
    [InlineData("""{"message":{"content":"So.","reasoning":"Hm.","refusal":null},"finish_reason":"STOP"}""", "So.", "Hm.", "stop")]
    [InlineData("""{"message":{"role":"assistant"},"finish_reason":"length"}""", "", null, "length")]
    [InlineData("""{"message":{"role":"assistant"},"finish_reason":"MAX_TOKENS"}""", "", null, "length")]
    [InlineData("""{"message":{"role":"assistant"},"finish_reason":"SAFETY"}""", "", null, "content_filter")]
    [InlineData("""{"message":{"content":"","reasoning_content":"Hm."},"finish_reason":"stop"}""", "", "Hm.", "stop")]
    [InlineData("""{"message":{"content":null,"refusal":"I cannot."},"finish_reason":"stop"}""", "I cannot.", null, "content_filter")]
    [InlineData("""{"message":{"content":"","refusal":"I cannot."},"finish_reason":"stop"}""", "I cannot.", null, "content_filter")]
    [InlineData("""{"message":{"content":[{"type":"text","text":"So."}]},"finish_reason":"stop"}""", "So.", null, "stop")]
    [InlineData("""{"message":{"content":["So","."]},"finish_reason":"stop"}""", "So.", null, "stop")]
    [InlineData(
        """{"message":{"content":[{"type":"thinking","thinking":[{"text":"Hm."}]},{"type":"text","text":"So."}]},"finish_reason":"stop"}""",
        "So.",
        "Hm.",
        "stop")]
    [InlineData(
        """{"message":{"content":null,"tool_calls":[{"function":{"arguments":"{\"label\":\"bug\"}"}}]},"finish_reason":"tool_calls"}""",
        "{\"label\":\"bug\"}",
        null,
        "tool_calls")]
    [InlineData(
        """{"message":{"content":"","function_call":{"name":"annotation","arguments":{"label":"bug"}}},"finish_reason":"function_call"}""",
        "{\"label\":\"bug\"}",
        null,
        "function_call")]
    public void Read_FormsOfServices_GiveAnswerThoughtsAndEnd(string choice, string text, string? thoughts, string finish)
    {
        var read = Answers.Read(Encoding.UTF8.GetBytes($$"""{"choices":[{{choice}},{"message":{"content":"other"} }]}"""));
        Assert.Equal((text, finish), (read.Text, read.FinishReason?.Value));
        Assert.Equal(thoughts, read.Messages[0].Contents.OfType<TextReasoningContent>().SingleOrDefault()?.Text);
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"role":"assistant"}}]}""")]
    [InlineData("""{"choices":[{"message":"So."}]}""")]
    [InlineData("""{"choices":null}""")]
    [InlineData("""[]""")]
    [InlineData("")]
    public void Read_OtherForms_AreNoAnswer(string body)
    {
        var fault = Assert.Throws<TeacherException>(() => Answers.Read(Encoding.UTF8.GetBytes(body)));
        Assert.Equal((TeacherFault.Transient, true), (fault.Fault, fault.Unreadable));
    }

    [Theory]
    [InlineData("""[{"index":1,"message":{"content":"other"}},{"index":0,"message":{"content":"So."}}]""")]
    [InlineData("""[{"message":{"content":"So."}},{"message":{"content":"other"}}]""")]
    [InlineData("""[{"index":null,"message":{"content":"So."}},{"index":0,"message":{"content":"other"}}]""")]
    public void Read_SeveralChoices_TakesThatOfIndexZero(string choices) =>
        Assert.Equal("So.", Answers.Read(Encoding.UTF8.GetBytes($$"""{"choices":{{choices}}}""")).Text);

    [Theory]
    [InlineData("""[{"index":1,"message":{"content":"other"}}]""")]
    [InlineData("[]")]
    public void Read_NoChoiceOfIndexZero_IsNoAnswerAndNamesIt(string choices)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"choices":{{choices}},"usage":{"prompt_tokens":10,"completion_tokens":5} }""");
        var fault = Assert.Throws<TeacherException>(() => Answers.Read(body));
        Assert.Equal((TeacherFault.Transient, true, 5L), (fault.Fault, fault.Unreadable, fault.Usage?.OutputTokenCount));
        Assert.Contains("expected a choice of index 0", fault.Message);
    }

    [Fact]
    public void Join_StreamOfSeveralChoices_TakesThatOfIndexZero()
    {
        var joined = StreamedAnswer.Join(
            Stream(
                """{"index":1,"delta":{"content":"other"}}""",
                """{"index":0,"delta":{"content":"So"}}""",
                """{"index":1,"delta":{"content":" one"},"finish_reason":"length"},{"index":0,"delta":{"content":"."},"finish_reason":"stop"}"""),
            Place);
        var read = Answers.Read(joined);
        Assert.Equal(("So.", "stop"), (read.Text, read.FinishReason?.Value));
    }

    [Fact]
    public void Join_StreamWithoutChoiceOfIndexZero_IsNoAnswerAndNamesIt()
    {
        var events = Stream("""{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}""");
        var fault = Assert.Throws<TeacherException>(() => StreamedAnswer.Join(events, Place));
        Assert.True(fault.Unreadable);
        Assert.Contains("expected a choice of index 0", fault.Message);
    }

    [Theory]
    [InlineData("""{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":40}}""", 10, 30)]
    [InlineData("""{"usage":{"prompt_tokens":10,"completion_tokens":5}}""", 10, 5)]
    [InlineData("""{"type":"message","usage":{"input_tokens":10,"output_tokens":5}}""", 10, 5)]
    [InlineData("{\"message\":{},\"prompt_eval_count\":10,\"eval_count\":5}\n", 10, 5)]
    [InlineData("{\n \"usage\": {\n  \"prompt_tokens\": 10,\n  \"completion_tokens\": 5\n },\n \"choices\": [", 10, 5)]
    [InlineData(
        "data: {\"message\":{\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\ndata: {\"usage\":{\"output_tokens\":5}}\n",
        10,
        5)]
    [InlineData("data: {\"usage\":{\"prompt_tokens\":10}}\ndata: {\"usage\":null}\ndata: {\"usage\":{\"completion_tokens\":5}}", 10, 5)]
    public void Find_Reports_AreThoseOfEachProtocol(string body, long input, long output)
    {
        var usage = ReportedUsage.Find(Encoding.UTF8.GetBytes(body));
        Assert.Equal((input, output), (usage?.InputTokenCount, usage?.OutputTokenCount));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"usage\": null}")]
    [InlineData("the word \"usage\" alone {")]
    public void Find_NoReport_IsNone(string body) => Assert.Null(ReportedUsage.Find(Encoding.UTF8.GetBytes(body)));

    private static byte[] Stream(params string[] choices) =>
        Encoding.UTF8.GetBytes(string.Concat(choices.Select(c => $"data: {{\"choices\":[{c}]}}\n\n")) + "data: [DONE]\n\n");
}
