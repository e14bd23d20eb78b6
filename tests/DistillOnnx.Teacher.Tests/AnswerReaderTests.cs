using CsCheck;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Teacher.Answers;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Answers in the shapes that chat and reasoning models give them, and what is read out of them.</summary>
public sealed class AnswerReaderTests
{
    private const string Why = "It closes by itself.";
    private static readonly TaskSpec Labels = new()
    {
        Name = "tickets",
        Kind = TaskKind.Labels,
        Labels = ["bug", "question", "feature_request", "no"],
    };
    private static readonly TaskSpec Nli = new() { Name = "nli", Kind = TaskKind.Labels, Labels = ["entailment", "not_entailment"] };
    private static readonly TaskSpec Choices = new() { Name = "quiz", Kind = TaskKind.Choices };
    private static readonly TaskSpec Sums = new() { Name = "sums", Kind = TaskKind.Text, Metric = TaskMetric.Equation };
    private static readonly Example Row = new() { Id = "a", Input = "?", Choices = ["fridge", "math problem", "garden"] };

    /// <summary>How an answer of a rationale and a label may be written: {0} the rationale, {1} the label.</summary>
    public static TheoryData<string> Shapes { get; } =
    [
        "{0} So the answer is {1}.",
        "{0} so the answer is: {1}",
        "{0} Therefore, the answer is **{1}**.",
        "{0}\n\nSo the answer is **{1}**.",
        "{0}\n\n**Answer:** {1}",
        "{0}\n\n**Answer: {1}**",
        "{0}\n\nAnswer: \"{1}\"",
        "{0}\n\nANSWER: '{1}'.",
        "{0}\n\nFinal answer: `{1}`",
        "{0}\n\n**Final Answer**\n{1}",
        "{0}\n\n### Final Answer\n\n**{1}**",
        "{0}\n\nLabel: {1}",
        "{0}\n\n- **Label:** {1}",
        "{0}\n\nClassification: {1}",
        "{0} The final answer is \\boxed{{{1}}}.",
        "{0} The final answer is $\\boxed{{{1}}}$",
        "{0}\n\n\\boxed{{\\text{{{1}}}}}",
        "{0}\n\n#### {1}",
        "{0}\n\n**{1}**",
        "{0}\n\n{1}",
        "{0}\n<answer>{1}</answer>",
        "Label: {1}\nReason: {0}",
        "**{1}**\n\n{0}",
        "**Reasoning:** {0}\n\n**Label:** {1}",
        "Rationale: {0}\nSo the answer is “{1}”.",
        "{{\"rationale\": \"{0}\", \"label\": \"{1}\"}}",
        "```json\n{{\"rationale\": \"{0}\", \"label\": \"{1}\"}}\n```",
        "Here is the JSON:\n```\n{{\"rationale\": \"{0}\", \"label\": \"{1}\",}}\n```\nLet me know!",
        "{{\"reasoning\": \"{0}\", \"answer\": \"{1}\"}}",
        "[{{\"label\": \"{1}\", \"explanation\": \"{0}\"}}]",
        "<think>Perhaps question? So the answer is question.</think>\n\n{0} So the answer is {1}.",
        "It may be question. So the answer is question.\n</think>\n{0} So the answer is {1}.",
        "<thinking>no: Answer: no</thinking>{0}\nAnswer: {1}",
        "[THINK]question[/THINK]{0}\nAnswer: {1}",
        "<think>{{\"rationale\": \"x\", \"label\": \"question\"}}</think>{{\"rationale\": \"{0}\", \"label\": \"{1}\"}}",
        "<|START_THINKING|>question<|END_THINKING|><|START_RESPONSE|>{0} So the answer is {1}.<|END_RESPONSE|>",
        "<|begin_of_thought|>question<|end_of_thought|><|begin_of_solution|>{0} So the answer is {1}.<|end_of_solution|>",
        "Thinking...\nSo the answer is question.\n...done thinking.\n{0}\nAnswer: {1}",
        "<|channel|>analysis<|message|>So the answer is "
            + "question.<|end|><|start|>assistant<|channel|>final<|message|>{0} So the answer is {1}.<|return|>",
        "analysisAnswer: question.assistantfinal{0} So the answer is {1}.",
        "Here is my thought process: question? Here is my response: {0} So the answer is {1}.",
        "◁think▷question◁/think▷{0} So the answer is {1}.",
        "<think></think>{0} So the answer is {1}.",
        "So the answer is question. Wait, that is wrong.\nSo the answer is question.\n</think>{0}\nAnswer: **{1}**",
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_AnyShape_GivesRationaleAndLabelBackAsTheyWere(string shape)
    {
        var words = Gen.OneOf(
            "It", "closes", "when", "pressed", "twice", "again", "7", "then", "slowly").Array[3, 12].Select(w => string.Join(' ', w) + ".");
        Gen.Select(words, Gen.OneOf("bug", "question", "feature_request"), Gen.Int[0, 2]).Sample(
            (rationale, label, form) =>
            {
                var written = form == 0 ? label : form == 1 ? label.ToUpperInvariant() : label.Replace('_', ' ');
                var read = Read(Labels, string.Format(System.Globalization.CultureInfo.InvariantCulture, shape, rationale, written));
                return read.Label == label && read.Rationale == rationale && !read.Mapped;
            },
            iter: 100);
    }

    [Theory]
    [InlineData("not bug")]
    [InlineData("bug or question")]
    [InlineData("bug/question")]
    [InlineData("not a bug")]
    [InlineData("It isn't a bug")]
    [InlineData("either a bug or something else")]
    [InlineData("bug, not question")]
    public void Read_NegatedOrAmbiguousAnswers_AreNotGuessed(string answer)
    {
        var read = Read(Labels, $"{Why} So the answer is {answer}.");
        Assert.Equal((null, AnswerFault.Ambiguous), (read.Label, read.Fault));
    }

    [Theory]
    [InlineData("false positive", "positive", "negative")]
    [InlineData("no information", "yes", "no")]
    [InlineData("no answer can be given", "yes", "no")]
    [InlineData("No label applies", "yes", "no")]
    [InlineData("No. 5", "yes", "no")]
    [InlineData("- 1", "1", "-1")]
    public void Read_WordsThatOnlyContainALabel_AreNotGuessed(string answer, params string[] labels)
    {
        var task = new TaskSpec { Name = "words", Kind = TaskKind.Labels, Labels = labels };
        Assert.Equal(AnswerFault.Ambiguous, Read(task, $"{Why}\nAnswer: {answer}").Fault);
        Assert.Null(Read(task, $"{{\"rationale\": \"{Why}\", \"label\": \"{answer}\"}}").Label);
    }

    [Theory]
    [InlineData("Yes: the man sleeps.\nBut then he cannot be awake.\n\nSo no.", "yes", "no")]
    [InlineData("1. It closes.\n2. So it is a crash.", "1", "2", "3")]
    [InlineData("1. It closes.\n2. So it is a crash.\n\nThat is all.", "1", "2", "3")]
    [InlineData("Steps:\n1. It closes.\n2. So it is a crash.", "1", "2", "3")]
    [InlineData("Yes\n\nHold on: he is not awake; I retract that.", "yes", "no")]
    [InlineData("bug\n- not really, nothing breaks.", "bug", "question")]
    public void Read_FirstLinesOfWhatEndsElsewhere_AreNoAnswers(string text, params string[] labels) =>
        Assert.Null(Read(new TaskSpec { Name = "lines", Kind = TaskKind.Labels, Labels = labels }, text).Label);

    [Theory]
    [InlineData("I think the answer is bug.", "bug")]
    [InlineData("I would say that the answer is bug.", "bug")]
    [InlineData("We do not know if it asks, so the answer is bug.", "bug")]
    [InlineData("The text says that it closes, so the answer is bug.", "bug")]
    [InlineData("It says \"closed\" and \"gone\". The answer is \"bug\".", "bug")]
    [InlineData("The 5\" screen goes dark. The answer is \"bug\".", "bug")]
    [InlineData("The label is not question. The answer is bug.", "bug")]
    [InlineData("The answer is bug. The answer is question.", null)]
    [InlineData("If it were hot, the answer is question. It is not.\n\nBug", "bug")]
    [InlineData("They claim that the answer is bug.", null)]
    [InlineData("It is not the case that the answer is bug.", null)]
    [InlineData("There is no doubt that the answer is bug.", "bug")]
    [InlineData("The output is wrong and the answer is bug.", "bug")]
    [InlineData("So the answer is bug because free users see a wrong page.", "bug")]
    [InlineData("So the answer is no because it closes.", "no")]
    [InlineData("no\n\nNo man is awake.", "no")]
    [InlineData("Answer: bug\n\nThe user must wait and it actually closes.", "bug")]
    public void Read_WordsBeforeAndAfterAMarker_CountOnlyWhereTheyDoubtIt(string text, string? label) =>
        Assert.Equal(label, Read(Labels, text).Label);

    [Fact]
    public void Read_OpenTaskWithTwoBoxes_IsNotGuessed()
    {
        var task = new TaskSpec { Name = "open", Kind = TaskKind.Text };
        Assert.Equal(AnswerFault.Ambiguous, Read(task, $"{Why} \\boxed{{8}} or \\boxed{{9}}").Fault);
        Assert.Equal("8", Read(task, $"{Why} \\boxed{{8}}\n\nSo it is \\boxed{{8}}").Label);
    }

    [Theory]
    [InlineData("a bug", "bug", true)]
    [InlineData("bug, because it closes", "bug", false)]
    [InlineData("no, it does not", "no", false)]
    [InlineData("Feature Request", "feature_request", false)]
    [InlineData("clearly the bug class", "bug", true)]
    [InlineData("refund", null, false)]
    public void Read_WordsAroundALabel_AreMappedAndCounted(string answer, string? label, bool mapped)
    {
        var read = Read(Labels, $"{Why} So the answer is {answer}.");
        Assert.Equal((label, mapped), (read.Label, read.Mapped));
    }

    [Theory]
    [InlineData("<think>So the answer is bug.", AnswerFault.Empty)]
    [InlineData("", AnswerFault.Empty)]
    [InlineData("I do not know.", AnswerFault.NoAnswer)]
    [InlineData("{\"rationale\": \"x\", \"label\": \"bu", AnswerFault.NoAnswer)]
    [InlineData("{\"rationale\": \"x\", \"label\": \"refund\"}", AnswerFault.UnknownLabel)]
    public void Read_AnswersWithoutLabel_SayWhy(string text, AnswerFault fault)
    {
        var read = Read(Labels, text);
        Assert.Equal((null, fault), (read.Label, read.Fault));
    }

    [Theory]
    [InlineData("Not entailment", "not_entailment")]
    [InlineData("**entailment**", "entailment")]
    public void Read_LabelsWithinOneAnother_AreDistinguished(string answer, string label) =>
        Assert.Equal(label, Read(Nli, $"{Why}\nLabel: {answer}").Label);

    [Theory]
    [InlineData("C#", "C#", "C", "C++", "C#")]
    [InlineData("**C++**.", "C++", "C", "C++", "C#")]
    [InlineData("C, because it is old", "C", "C", "C++", "C#")]
    [InlineData("C or C++", null, "C", "C++", "C#")]
    [InlineData("<=50K", "<=50K", "<=50K", ">50K")]
    [InlineData("clearly **>50K**, by the job", ">50K", "<=50K", ">50K")]
    [InlineData("\"<= 50K\"", "<=50K", "<=50K", ">50K")]
    [InlineData("≤50K", "<=50K", "<=50K", ">50K")]
    [InlineData("50K", null, "<=50K", ">50K")]
    [InlineData("A+.", "A+", "A", "A+", "A-")]
    [InlineData("A- since it is short", "A-", "A", "A+", "A-")]
    [InlineData("a", "A", "A", "A+", "A-")]
    [InlineData("A*", "A*", "A", "A*")]
    [InlineData("-1 (negative)", "-1", "-1", "0", "1")]
    [InlineData("**−1**", "-1", "-1", "0", "1")]
    [InlineData("1.", "1", "-1", "0", "1")]
    [InlineData("-5", null, "5", "10")]
    [InlineData("3.5", null, "3", "5")]
    [InlineData("4 stars", "4", "1", "4", "5")]
    [InlineData("4/5", null, "1", "4", "5")]
    [InlineData("10", "10", "1", "10", "100")]
    [InlineData("$10-20", "$10-20", "$0-10", "$10-20")]
    [InlineData("bug report", "bug report", "bug", "bug report")]
    [InlineData("a bug", "bug", "bug", "bug report")]
    [InlineData("non-toxic", "nontoxic", "toxic", "nontoxic")]
    [InlineData("feature request", "FeatureRequest", "Bug", "FeatureRequest")]
    [InlineData("us", "us", "US", "us")]
    [InlineData("clearly Us", null, "US", "us")]
    [InlineData("Very negative", "very negative", "negative", "very negative")]
    [InlineData("v1.2.3", "v1.2.3", "v1.2", "v1.2.3")]
    [InlineData("#1", "#1", "#1", "#2")]
    [InlineData("N/A", "N/A", "N/A", "yes")]
    [InlineData("是", "是", "是", "不是")]
    [InlineData("😀", "😀", "😀", "😢")]
    public void Read_LabelsOfSignsNumbersAndParts_AreTheOneThatIsNamedOrNone(string answer, string? label, params string[] labels)
    {
        var task = new TaskSpec { Name = "signs", Kind = TaskKind.Labels, Labels = labels };
        foreach (var text in (string[])[$"{Why}\nLabel: {answer}", $"{Why} So the answer is {answer}", Json(answer)])
            Assert.Equal(label, Read(task, text).Label);

        static string Json(string text) => System.Text.Json.JsonSerializer.Serialize(new { rationale = Why, label = text });
    }

    [Theory]
    [InlineData("12 apples", "12 apples")]
    [InlineData("12 apples. I hope this helps!", "12 apples")]
    [InlineData("**$5.50**. That is all.", "$5.50")]
    [InlineData("St. Petersburg.", "St. Petersburg")]
    [InlineData("C#", "C#")]
    public void Read_OpenAnswers_KeepTheirUnitsAndNoFurtherSentence(string answer, string label) =>
        Assert.Equal(label, Read(new TaskSpec { Name = "open", Kind = TaskKind.Text }, $"{Why} The answer is {answer}").Label);

    [Fact]
    public void Read_ReasonsOfNoUse_SayWhy()
    {
        Assert.Equal(
            "the answer's \"reasoning\" is a number, expected a text",
            Read(Labels, """{"reasoning": 7, "label": "bug"}""").Unusable);
        Assert.Equal(
            "the answer's \"rationale\" is an object without text, expected a text",
            Read(Labels, """{"rationale": {"sure": 0.5}, "label": "bug"}""").Unusable);
        Assert.Null(Read(Labels, """{"rationale": null, "explanation": "It closes.", "label": "bug"}""").Unusable);
    }

    [Theory]
    [InlineData("(b) math problem", "math problem", false)]
    [InlineData("**B) Math problem**", "math problem", false)]
    [InlineData("(b)", "math problem", true)]
    [InlineData("C", "garden", true)]
    [InlineData("math problem", "math problem", false)]
    [InlineData("(a) math problem", null, false)]
    [InlineData("(z)", null, false)]
    public void Read_Choices_ByLetterOrText(string answer, string? label, bool mapped)
    {
        var read = Read(Choices, $"{Why} So the answer is {answer}.");
        Assert.Equal((label, mapped), (read.Label, read.Mapped));
    }

    [Theory]
    [InlineData("(7 * 36)", "(7 * 36)")]
    [InlineData("**(7 * 36)** ", "(7 * 36)")]
    [InlineData("$7 \\times 36$", "(7 * 36)")]
    [InlineData("\\boxed{7 * 36}", "(7 * 36)")]
    [InlineData("(7 * 36) = 252", "(7 * 36)")]
    [InlineData("many apples", null)]
    [InlineData("(7 * 36) apples", "(7 * 36)")]
    [InlineData("12 apples + 5 apples = 17 apples", "(12 + 5)")]
    [InlineData("Total = 7 x 36", "(7 * 36)")]
    [InlineData("$1,200 - $300", "(1200 - 300)")]
    [InlineData("\\frac{7 + 2}{3}", "((7 + 2)/3)")]
    [InlineData("10 minus 3", null)]
    [InlineData("5 of 10", null)]
    public void Read_Equations_AreWrittenInParentheses(string answer, string? label) =>
        Assert.Equal(label, Read(Sums, $"{Why} The answer is {answer}.").Label);

    [Fact]
    public void Read_Thoughts_AreTheRationaleWhereAskedFor()
    {
        var options = new AnnotateOptions { RationaleFrom = RationaleSource.Thoughts };
        var tagged = new AnswerReader(Labels, options, null).Read(
            Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, $"<think>{Why}</think>Answer: bug")));
        Assert.Equal(("bug", Why, Why), (tagged.Label, tagged.Rationale, tagged.Thoughts));
        var apart = new AnswerReader(Labels, options, null).Read(
            Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, [new TextReasoningContent(Why), new TextContent("bug")])));
        Assert.Equal(("bug", Why), (apart.Label, apart.Rationale));
    }

    [Theory]
    [InlineData($"**Analysis**\n{Why} So the answer is bug.", Why, false)]
    [InlineData($"<think>{Why}</think> So it is a crash.\nAnswer: bug", $"{Why} So it is a crash.", false)]
    [InlineData($"{Why} So the answer is question.", null, true)]
    public void Read_ThoughtsAsRationale_AreCleanedAndConcludeOnTheLabel(string thoughts, string? rationale, bool contradicts)
    {
        var read = new AnswerReader(Labels, new AnnotateOptions { RationaleFrom = RationaleSource.Thoughts }, null).Read(
            Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, [new TextReasoningContent(thoughts), new TextContent("bug")])));
        Assert.Equal(("bug", rationale, contradicts), (read.Label, read.Rationale, read.Contradicts));
    }

    [Fact]
    public void Read_CutAnswer_IsCutAlsoWhereALabelSeemsToStandThere()
    {
        var response = new ChatResponse(new ChatMessage(
            ChatRole.Assistant, $"{Why} So the answer is no"))
        { FinishReason = ChatFinishReason.Length };
        Assert.Equal(AnswerFault.Cut, new AnswerReader(Labels, new AnnotateOptions(), null).Read(Row, response).Fault);
    }

    [Fact]
    public void Read_TheUsersOwnForm_IsReadByThatForm()
    {
        var reader = new AnswerReader(Labels, new AnnotateOptions(), "{rationale} ==> {label}!");
        var read = reader.Read(Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, "It stops. Label: question? ==> Bug!")));
        Assert.Equal(("bug", "It stops. Label: question?"), (read.Label, read.Rationale));
    }

    /// <summary>The longer form has more characters than an automaton takes, and is matched by backtracking for a second at most.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3000)]
    public void Read_TheUsersOwnFormAndAnAnswerOfLineEnds_HasNoAnswer(int letters)
    {
        var end = new string('x', letters);
        var reader = new AnswerReader(Labels, new AnnotateOptions(), $"{{rationale}} Verdict: {{label}} {end}");
        var read = reader.Read(Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, $"It is{new string('\n', 150_000)}hard to say.")));
        Assert.Equal((null, AnswerFault.NoAnswer), (read.Label, read.Fault));
        read = reader.Read(Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, $"{Why}\nVerdict: bug {end}")));
        Assert.Equal(("bug", Why), (read.Label, read.Rationale));
    }

    private static TeacherAnswer Read(TaskSpec task, string text) =>
        new AnswerReader(task, new AnnotateOptions(), null).Read(Row, new ChatResponse(new ChatMessage(ChatRole.Assistant, text)));
}
