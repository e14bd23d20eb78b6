namespace DistillOnnx.Teacher.Tests;

/// <summary>The shapes of answers of today's models, by their public documentation and by what their users report.</summary>
public static class AnswerShapes
{
    private const string Why = AnswerShape.Why;
    private const string Json = $$"""{"rationale": "{{Why}}", "label": "bug"}""";

    /// <summary>All shapes; the task's labels are bug, question and feature_request.</summary>
    public static IReadOnlyList<AnswerShape> All { get; } =
    [
        new("the form that is asked for", $"{Why} So the answer is bug."),
        new("a colon after the marker", $"{Why} So the answer is: bug"),
        new("bold label after the marker", $"{Why} Therefore, the answer is **bug**."),
        new("\"the correct label is\"", $"{Why} The correct label is \"bug\"."),
        new("bold answer line", $"{Why}\n\n**Answer:** bug"),
        new("bold answer line, label within", $"{Why}\n\n**Answer: Bug**"),
        new("capitals", $"{Why}\n\nANSWER: BUG"),
        new("label line", $"{Why}\n\nLabel: bug"),
        new("label line first", $"Label: bug\nReason: {Why}"),
        new("list with label", $"- **Reasoning:** {Why}\n- **Label:** bug"),
        new("heading", $"{Why}\n\n### Final Answer\n\n**bug**"),
        new("bold heading", $"{Why}\n\n**Final Answer**\nbug"),
        new("classification line", $"{Why}\n\nClassification: `bug`"),
        new("four hash marks (GSM8K)", $"{Why}\n\n#### bug"),
        new("boxed", $"{Why}\n\n\\boxed{{bug}}"),
        new("boxed text in dollar signs", $"{Why} The final answer is $\\boxed{{\\text{{bug}}}}$."),
        new("answer tag", $"{Why}\n<answer>bug</answer>"),
        new("label alone on the last line", $"{Why}\n\nbug"),
        new("bold label alone on the last line", $"{Why}\n\n**bug**"),
        new("bold label on the first line", $"**bug**\n\n{Why}"),
        new("typographic quotes", $"{Why} So the answer is “bug”."),
        new(
            "second thoughts in the answer: the last marker",
            $"So the answer is question. Wait.\n{Why}\nAnswer: bug") { Rationale = $"So the answer is question. Wait.\n{Why}" },
        new("JSON", Json),
        new("JSON in a fence", $"```json\n{Json}\n```"),
        new("JSON between words", $"Here is the answer:\n{Json}\nLet me know!"),
        new("JSON with other keys", $$"""{"reasoning": "{{Why}}", "answer": "bug"}"""),
        new("JSON in a list", $"[{Json}]"),
        new("JSON with a trailing comma", $$"""{"rationale": "{{Why}}", "label": "bug",}"""),
        new("JSON that repeats the schema first", $$"""{"type": "object"} {{Json}}"""),
        new("think tags (DeepSeek R1, Qwen 3)", $"<think>question? So the answer is question.</think>\n\n{Why} So the answer is bug."),
        new("empty think tags (Qwen 3, thinking off)", $"<think>\n\n</think>\n\n{Why} So the answer is bug."),
        new("end tag alone (template writes the start)", $"Answer: question, perhaps.\n</think>\n\n{Why} So the answer is bug."),
        new("thinking tags", $"<thinking>Answer: question</thinking>{Why}\nAnswer: bug"),
        new("[THINK] (Magistral)", $"[THINK]question[/THINK]{Why} So the answer is bug."),
        new("◁think▷ (Kimi)", $"◁think▷question◁/think▷{Why} So the answer is bug."),
        new(
            "START_THINKING (Command A)",
            $"<|START_THINKING|>question<|END_THINKING|><|START_RESPONSE|>{Why} So the answer is bug.<|END_RESPONSE|>"),
        new(
            "channels (gpt-oss)",
            $"<|channel|>analysis<|message|>question<|end|><|start|>assistant<|channel|>final<|message|>{Why} So the "
            + "answer is bug.<|return|>"),
        new("channels without special tokens (gpt-oss)", $"analysisAnswer: question.assistantfinal{Why} So the answer is bug."),
        new("thought process (Granite)", $"Here is my thought process: question? Here is my response: {Why} So the answer is bug."),
        new("reasoning_content beside the answer", $"{Why} So the answer is bug.") { Thoughts = "So the answer is question." },
        new("thoughts, then JSON", $"<think>{{\"label\": \"question\"}}</think>{Json}"),
        new("template token at the end", $"{Why} So the answer is bug.<|im_end|>"),
        new("label with an article", $"{Why} So the answer is a bug."),
        new("label alone, no reasons", "bug", "no_reasons"),
        new("thoughts alone", "<think>So the answer is bug.", "unparsable", null),
        new("empty answer beside thoughts", "", "unparsable", null) { Thoughts = "So the answer is bug." },
        new("no answer", "I cannot tell from this text.", "unparsable", null),
        new("another label", $"{Why} So the answer is refund.", "unparsable", null),
        new("two labels", $"{Why} So the answer is bug or question.", "unparsable", null),
        new("negated label", $"{Why} So the answer is not bug.", "unparsable", null),
        new("broken JSON", $$"""{"rationale": "{{Why}}", "label": "bu""", "unparsable", null),
        new("JSON cut after the label", $"{{\n\"rationale\": \"{Why}\",\n\"label\":\n\"bug\"", "cut", null) { Finish = "length" },
        new("answer cut within the label", $"{Why} So the answer is bu", "cut", null) { Finish = "length" },
        new("answer cut after the label", $"{Why} So the answer is bug. This is", "cut", null) { Finish = "length" },
        new("content filter", "", "failed", null) { Finish = "content_filter" },
    ];
}
