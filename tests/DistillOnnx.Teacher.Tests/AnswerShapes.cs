namespace DistillOnnx.Teacher.Tests;

/// <summary>The shapes of answers of today's models, by their public documentation and by what their users report.</summary>
public static class AnswerShapes
{
    private const string Why = AnswerShape.Why;
    private const string TwoLines = "It closes by itself\nwhen pressed.";
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
            "begin_of_thought (Sky-T1, OpenThinker)",
            $"<|begin_of_thought|>question<|end_of_thought|>\n<|begin_of_solution|>{Why} So the answer is bug.<|end_of_solution|>"),
        new("thoughts as Ollama's terminal shows them", $"Thinking...\nquestion?\n...done thinking.\n\n{Why} So the answer is bug."),
        new(
            "channels (gpt-oss)",
            $"<|channel|>analysis<|message|>question<|end|><|start|>assistant<|channel|>final<|message|>{Why} So the "
            + "answer is bug.<|return|>"),
        new("channels without special tokens (gpt-oss)", $"analysisAnswer: question.assistantfinal{Why} So the answer is bug."),
        new("thought process (Granite)", $"Here is my thought process: question? Here is my response: {Why} So the answer is bug."),
        new("reasoning_content beside the answer", $"{Why} So the answer is bug.") { Thoughts = "So the answer is question." },
        new("thoughts, then JSON", $"<think>{{\"label\": \"question\"}}</think>{Json}"),
        new("template token at the end", $"{Why} So the answer is bug.<|im_end|>"),
        new("channels (Gemma)", $"<|channel>thought\nquestion maybe\n<channel|>{Why} So the answer is bug."),
        new("scratchpad", $"<scratchpad>question?</scratchpad>\n{Why}\nAnswer: bug"),
        new(
            "thinking, reflection, output",
            $"<thinking>question</thinking><reflection>Wrong.</reflection><output>{Why} So the answer is bug.</output>"),
        new(
            "think tags within think tags",
            $"First. <think>a <think>b</think> So the answer is question.</think>{Why} So the answer is bug.")
        {
            Rationale = $"First. {Why}",
        },
        new("think tag with an attribute", $"<think time=\"3\">So the answer is question.</think>{Why} So the answer is bug."),
        new("reasoning tag and answer tag", $"<reasoning>{Why}</reasoning><answer>bug</answer>"),
        new("rationale tag and label tag", $"<rationale>{Why}</rationale>\n<label>bug</label>"),
        new("rationale tag after the label tag", $"<label>bug</label>\n<rationale>{Why}</rationale>"),
        new("HTML", $"<p>{Why}</p>\n<p><b>Answer:</b> bug</p>"),
        new("HTML line breaks", $"{Why}<br><br><strong>Label: bug</strong>"),
        new("start tokens (Llama 3)", $"<|start_header_id|>assistant<|end_header_id|>\n\n{Why} So the answer is bug.<|eot_id|>"),
        new("start tokens (ChatML)", $"<|im_start|>assistant\n{Why} So the answer is bug.<|im_end|>"),
        new("start tokens (Gemma)", $"<start_of_turn>model\n{Why} So the answer is bug.<end_of_turn>"),
        new("end token (DeepSeek)", $"{Why} So the answer is bug.<｜end▁of▁sentence｜>"),
        new("role at the start", $"Assistant: {Why} So the answer is bug."),
        new("check mark before the marker", $"{Why}\r\n\r\n✅ **Answer:** bug"),
        new("pointing hand before the marker", $"{Why}\n\n👉 Label: 🐞 bug"),
        new("dollar signs before the marker", $"{Why}\n\n$$\\boxed{{\\textbf{{bug}}}}$$"),
        new("headings around the reasons", $"# Analysis\n\n{Why}\n\n## Conclusion\n\n**bug**"),
        new("bold headings around the reasons", $"**Reasoning**\n\n{Why}\n\n**Answer**\n\nbug"),
        new("YAML in a fence", $"```yaml\nrationale: {Why}\nlabel: bug\n```"),
        new("reasons in a fence", $"```python\n{Why}\n```\nSo the answer is bug."),
        new("marker twice", $"{Why} So the answer is bug.\n\nAnswer: bug"),
        new(
            "an invented next turn",
            $"{Why} So the answer is bug.\n\nUser: next one\nAssistant: It asks. So the answer is question."),
        new("an invented next turn, not answered", $"{Why} So the answer is bug.\n\nHuman: How do I log in?"),
        new("an invented next text", $"{Why} So the answer is bug.\n\nText: My other thing\nAnswer: How? So the answer is question."),
        new("an invented next question", $"{Why}\nLabel: bug\n\nQ: next one\nA: It asks.\nLabel: question"),
        new(
            "a next turn by tokens",
            $"{Why} So the answer is bug.<|im_end|>\n<|im_start|>user\nnext<|im_end|>\n<|im_start|>assistant\nSo the answer is question."),
        new("JSON, keys without quotes", $$"""{rationale: "{{Why}}", label: "bug"}"""),
        new("Python dict", $$"""{'rationale': '{{Why}}', 'label': 'bug', 'sure': True}"""),
        new("JSON within a string", System.Text.Json.JsonSerializer.Serialize(Json)),
        new("JSON, label in a list", $$"""{"rationale": "{{Why}}", "label": ["bug"]}"""),
        new("JSON, label in an object", $$"""{"rationale": "{{Why}}", "label": {"confidence": 0.9, "name": "bug"} }"""),
        new("JSON, rationale as a list", """{"rationale": ["It closes by itself", "when pressed."], "label": "bug"}"""),
        new("JSON, rationale with markup", $$"""{"rationale": "**Analysis:**\n{{Why}}\n\nSo the answer is bug.", "label": "bug"}"""),
        new("italics in the reasons", "It *closes* by _itself_ when ***pressed***.\n\nAnswer: bug"),
        new("bullets in the reasons", "- It closes by itself\n- when pressed.\n\n**Answer:** bug") { Rationale = TwoLines },
        new("headings, quotes and rules in the reasons", "### Reasons\n\n> It closes by itself\n> when pressed.\n\n---\n\n**bug**")
        {
            Rationale = TwoLines,
        },
        new("a table in the reasons", "| Sign | Meaning |\n|---|---|\n| It closes | a crash |\n\nSo the answer is bug.")
        {
            Rationale = "Sign: Meaning\nIt closes: a crash",
        },
        new("a link in the reasons", "It closes by [itself](https://example.org/a_b) when pressed.\n\nAnswer: bug"),
        new("signs that are no markup", "5 * 3 of 2*3*4 calls of a_b_c(*x) fail.\n\nAnswer: bug")
        {
            Rationale = "5 * 3 of 2*3*4 calls of a_b_c(*x) fail.",
        },
        new("a formula in the reasons", "It fails \\(5 \\times 3\\) times, which is $\\frac{1}{2}$ of all.\n\nAnswer: bug")
        {
            Rationale = "It fails 5 * 3 times, which is 1/2 of all.",
        },
        new("escaped marks (Mistral)", "It asks for app\\_name. So the answer is feature\\_request.", Label: "feature_request")
        {
            Rationale = "It asks for app_name.",
        },
        new("JSON, steps as a list", """{"rationale": ["It closes by itself", "It was pressed", "so it is a crash."], "label": "bug"}""")
        {
            Rationale = "It closes by itself. It was pressed so it is a crash.",
        },
        new(
            "JSON, steps as objects",
            """{"steps": [{"step": 1, "text": "It closes by itself"}, {"step": 2, "text": "when pressed."}], "final_answer": "bug"}"""),
        new(
            "JSON, rationale as an object",
            """{"rationale": {"text": "It closes by itself when pressed.", "sure": 0.9}, "label": "bug"}"""),
        new(
            "JSON, rationale as an object of texts",
            """{"rationale": {"premise": "It closes by itself", "when": "when pressed."}, "label": "bug"}"""),
        new("JSON, rationale as a number", """{"rationale": 7, "label": "bug"}""", "no_reasons"),
        new("JSON, rationale as an empty list", """{"rationale": [], "label": "bug"}""", "no_reasons"),
        new("JSON within an object", $$"""{"answer": {"label": "bug", "rationale": "{{Why}}"} }"""),
        new("JSON named by the schema", $$"""{"annotation": {{Json}} }"""),
        new("reasons, then JSON of the label alone", $"{Why}\n\nHere is the JSON:\n```json\n{{\"label\": \"bug\"}}\n```"),
        new("JSON of the label alone", "Here is the JSON:\n{\"label\": \"bug\"}", "no_reasons"),
        new(
            "JSON, then an invented next input",
            Json + "\n\nInput: How do I log in?\n{\"rationale\": \"It asks how.\", \"label\": \"question\"}"),
        new(
            "JSON, then an invented next turn",
            Json + "\nUser: How do I log in?\nAssistant: {\"rationale\": \"It asks how.\", \"label\": \"question\"}"),
        new("JSON, then an invented next question", Json + "\n\nQ: How do I log in?\nA: It asks how. So the answer is question."),
        new(
            "JSON, second thoughts",
            "{\"rationale\": \"It asks.\", \"label\": \"question\"}\nWait, that is wrong. Corrected:\n" + Json),
        new("JSON, two objects side by side", "[{\"rationale\": \"It asks.\", \"label\": \"question\"}, " + Json + "]", "unparsable", null),
        new(
            "start token of the next turn alone (Phi, GLM)",
            $"{Why} So the answer is bug.<|user|>\nnext<|assistant|>So the answer is question."),
        new("the other label in the reasons", $"At first it looks like a question. {Why} So the answer is bug.")
        {
            Rationale = $"At first it looks like a question. {Why}",
        },
        new("code marks at the end", "It closes by itself when `pressed.`\n\nAnswer: bug"),
        new("JSON, thoughts in the rationale", $$"""{"rationale": "<think>So question?</think>{{Why}}", "label": "bug"}"""),
        new("JSON, half a character", $$"""{"rationale": "\ud83d {{Why}}", "label": "bug"}""") { Rationale = $"\uFFFD {Why}" },
        new("JSON, control characters", """{"rationale": "It closes\u0000 by itself \u001b[31mwhen\u001b[0m pressed.", "label": "bug"}"""),
        new("marks of direction", "It closes by\u202e itself \u200bwhen pressed.\ufeff So the answer is bug."),
        new("line ends of Windows", "It closes by itself\r\nwhen pressed.\r\n\r\nAnswer: bug\r\n")
        {
            Rationale = "It closes by itself\nwhen pressed.",
        },
        new(
            "JSON, another label in the rationale",
            $$"""{"rationale": "{{Why}} So the answer is question.", "label": "bug"}""",
            "contradicts"),
        new("JSON, refusal as rationale", """{"rationale": "I'm sorry, but I can't assist with that.", "label": "bug"}""", "no_reasons"),
        new("refusal before the label", "I cannot assist with this request.\n\nLabel: bug", "no_reasons"),
        new("JSON, two labels in a list", $$"""{"rationale": "{{Why}}", "label": ["bug", "question"]}""", "unparsable", null),
        new("label with an article", $"{Why} So the answer is a bug."),
        new("label alone, no reasons", "bug", "no_reasons"),
        new("thoughts alone", "<think>So the answer is bug.", "unparsable", null),
        new("empty answer beside thoughts", "", "unparsable", null) { Thoughts = "So the answer is bug." },
        new("no answer", "I cannot tell from this text.", "unparsable", null),
        new("another label", $"{Why} So the answer is refund.", "unparsable", null),
        new("two labels", $"{Why} So the answer is bug or question.", "unparsable", null),
        new("negated label", $"{Why} So the answer is not bug.", "unparsable", null),
        new("label in a quotation", $"The text says \"the answer is question\". {Why}\n\nbug")
        {
            Rationale = $"The text says \"the answer is question\". {Why}",
        },
        new("marker line in a quotation, alone", $"The text reads \"Label: bug\". {Why}", "unparsable", null),
        new("label that others may think", $"One might think the answer is question. {Why}\n\nbug")
        {
            Rationale = $"One might think the answer is question. {Why}",
        },
        new("label that is supposed", $"If it asked, the answer is question. {Why}\n\nbug")
        {
            Rationale = $"If it asked, the answer is question. {Why}",
        },
        new("label under a condition, then the answer", $"The answer would be question if it asked. {Why} The answer is bug.")
        {
            Rationale = $"The answer would be question if it asked. {Why}",
        },
        new("answer that is not thought", $"I don't think the answer is bug. {Why}", "unparsable", null),
        new("answer that is called wrong", $"It would be wrong to say the answer is bug. {Why}", "unparsable", null),
        new("answer that nobody gives", "Nobody would claim that the answer is bug.", "unparsable", null),
        new("two label lines", $"{Why}\n\nLabel: bug\n\nLabel: question", "unparsable", null),
        new("two label tags", $"{Why}\n<label>bug</label>\n<label>question</label>", "unparsable", null),
        new("first and second label", $"Primary label: bug\nSecondary label: question\n\n{Why}", "unparsable", null),
        new("two boxes", $"{Why} \\boxed{{bug}} \\boxed{{question}}", "unparsable", null),
        new("answer, then a supposed one", $"{Why} So the answer is bug. If it asked, the answer is question.", "unparsable", null),
        new("final answer after another", $"Answer: question\n{Why}\nFinal answer: bug") { Rationale = $"Answer: question\n{Why}" },
        new(
            "answer taken back",
            $"{Why}\n\nAnswer: bug\n\nWait, on reflection it asks how. Answer should be question.",
            "unparsable",
            null),
        new("mistake after the answer", $"{Why}\n\nAnswer: bug\n\nActually, I made a mistake. It is a question.", "unparsable", null),
        new("correction after the answer", $"{Why}\n\nAnswer: bug.\n\nCorrection: question.", "unparsable", null),
        new("answer retracted", $"bug\n\nHold on: it asks how; I retract that.", "unparsable", null),
        new("JSON taken back", Json + "\n\nActually I think it should be question.", "unparsable", null),
        new("reasons against other labels", $"Label: bug\nReason: {Why} It is no question.")
        {
            Rationale = $"{Why} It is no question.",
        },
        new("all labels, one on each line", "Bug: it closes.\nQuestion: nothing is asked.\n\nI lean towards question.", "unparsable", null),
        new("first line that asks", "Bug? No.\n\nThe user asks how to log in.", "unparsable", null),
        new("anything but", $"{Why}\n\nAnswer: anything but bug", "unparsable", null),
        new("free of", $"{Why}\n\nAnswer: bug-free", "unparsable", null),
        new("ruled out", $"{Why}\n\nAnswer: rules out bug", "unparsable", null),
        new("lacking", $"{Why}\n\nAnswer: lacks bug", "unparsable", null),
        new("lead-in before the box", $"{Why} Hence the \\boxed{{bug}}"),
        new("lead-in before the label line", $"{Why}\n\nBest label: bug"),
        new("lead-in before the marker", $"{Why} In the end, the answer is bug."),
        new("broken JSON", $$"""{"rationale": "{{Why}}", "label": "bu""", "unparsable", null),
        new("JSON cut after the label", $"{{\n\"rationale\": \"{Why}\",\n\"label\":\n\"bug\"", "cut", null) { Finish = "length" },
        new("answer cut within the label", $"{Why} So the answer is bu", "cut", null) { Finish = "length" },
        new("answer cut after the label", $"{Why} So the answer is bug. This is", "cut", null) { Finish = "length" },
        new("content filter", "", "failed", null) { Finish = "content_filter" },
    ];
}
