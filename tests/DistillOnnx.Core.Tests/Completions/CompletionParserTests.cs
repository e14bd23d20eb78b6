using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Completions;

namespace DistillOnnx.Core.Tests.Completions;

public sealed class CompletionParserTests
{
    private static readonly TaskSpec Nli =
        new() { Name = "nli", Kind = TaskKind.Labels, Labels = ["entailment", "neutral", "contradiction"] };
    private static readonly TaskSpec Questions = new() { Name = "questions", Kind = TaskKind.Choices };
    private static readonly TaskSpec Equations = new() { Name = "equations", Kind = TaskKind.Text, Metric = TaskMetric.Equation };
    private static readonly TaskSpec Open = new() { Name = "open", Kind = TaskKind.Text };

    [Theory]
    [InlineData("Six fit in 2. The answer is (6 / 2).\n\nQ: next? The answer is (1).", "Six fit in 2.", "(6 / 2)", CompletionFault.None)]
    [InlineData("The answer is ((3 * 8) + 9).", null, "((3 * 8) + 9)", CompletionFault.None)]
    [InlineData("Two ways. The answer is (5 + 1) and (6 - 2).", "Two ways.", "(6 - 2)", CompletionFault.None)]
    [InlineData("Two ways. The answer is ((5 / 2) and (7 / 2)).", "Two ways.", "(7 / 2)", CompletionFault.None)]
    [InlineData("So it is six. The answer is (9 + 6", "So it is six.", null, CompletionFault.NoEquation)]
    [InlineData("Round and round and", null, null, CompletionFault.NoAnswer)]
    [InlineData(" \n Q: next", null, null, CompletionFault.Empty)]
    public void Parse_WordProblem_GivesRationaleAndEquation(string completion, string? rationale, string? label, CompletionFault fault) =>
        Assert.Equal(new ParsedCompletion(rationale, label, fault), CompletionParser.For(Equations).Parse(completion));

    [Theory]
    [InlineData("Only a pond fits. So the answer is (e) pond.\n\nQ: next", "Only a pond fits.", "pond", CompletionFault.None)]
    [InlineData("Both fit. So the answer is either (a) lake or (e) pond.", "Both fit.", "lake or (e) pond", CompletionFault.None)]
    [InlineData("Hm. So the answer is pond.", "Hm.", null, CompletionFault.NoChoice)]
    [InlineData("Hm. So the answer is (e)", "Hm.", null, CompletionFault.NoChoice)]
    public void Parse_Question_GivesTheChoiceAsWritten(string completion, string? rationale, string? label, CompletionFault fault) =>
        Assert.Equal(new ParsedCompletion(rationale, label, fault), CompletionParser.For(Questions).Parse(completion));

    [Theory]
    [InlineData("Women can embrace.\nAnswer: neutral\n\nPremise: Two", "Women can embrace.", "neutral", CompletionFault.None)]
    [InlineData(
        "He was born there. So the answer is Contradiction.\n\nPremise: X. So the answer is neutral.", "He was born there.",
        "contradiction", CompletionFault.None)]
    [InlineData("A dog is an animal.\nAnswer: entailment\n\nPrem", "A dog is an animal.", "entailment", CompletionFault.None)]
    [InlineData("Unclear.\nAnswer: unsure", "Unclear.", null, CompletionFault.UnknownLabel)]
    [InlineData("Answer: entail", null, null, CompletionFault.UnknownLabel)]
    public void Parse_Inference_GivesALabelOfTheSet(string completion, string? rationale, string? label, CompletionFault fault) =>
        Assert.Equal(new ParsedCompletion(rationale, label, fault), CompletionParser.For(Nli).Parse(completion));

    [Fact]
    public void Parse_OpenAnswer_GivesTheRestOfTheLine() =>
        Assert.Equal(
            new ParsedCompletion("It lies on the Seine.", "Paris"),
            CompletionParser.For(Open).Parse("It lies on the Seine. So the answer is Paris.\nMore"));
}
