using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.Teacher.Tests;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Annotation;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace DistillOnnx.Toolchain.Tests.Annotation;

/// <summary>The teacher within this process, over a real model of ONNX Runtime GenAI.</summary>
public sealed class GenAITeacherTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData(1, "Is 7 even or odd?")]
    [InlineData(2, "a")]
    [InlineData(3, "The number\n\n  42 is it")]
    public void Generate_RandomModel_GivesTheTokensOfThePlainCalculation(int seed, string text)
    {
        var decoder = new TinyDecoder(new TinyVocabulary(), seed);
        TinyDecoderFiles.Write(_directory["model"], decoder);
        using var model = new Model(_directory["model"]);
        using var tokenizer = new Tokenizer(model);
        using var encoded = tokenizer.Encode(text);
        Assert.Equal(decoder.Vocabulary.Encode(text), encoded[0].ToArray());
        using var parameters = new GeneratorParams(model);
        parameters.SetSearchOption("max_length", text.Length + 32);
        using var generator = new Generator(model, parameters);
        generator.AppendTokenSequences(encoded);
        while (!generator.IsDone()) generator.GenerateNextToken();
        // The token by which the model ends is no part of the sequence.
        var expected = decoder.Greedy(decoder.Vocabulary.Encode(text), 32).Where(t => t != TinyVocabulary.End);
        Assert.Equal(expected, generator.GetSequence(0)[text.Length..].ToArray());
    }

    [Fact]
    public async Task Run_ModelThatAnswers_AnnotatesByItsChatTemplate()
    {
        var vocabulary = new TinyVocabulary("The last digit", " decides it.", " So the answer", " is even", ". ");
        TinyDecoderFiles.Write(_directory["model"], Answering(vocabulary, TinyVocabulary.Assistant, TinyVocabulary.End));
        TestData.Write(_directory["data"], 4);
        var reporter = new RecordingReporter();
        var result = await AnnotateStage.RunAsync(Options(), reporter, TestContext.Current.CancellationToken);
        Assert.Equal((4L, 0.5), (result.Splits!["train"].Kept, result.Splits["train"].TeacherAccuracy));
        Assert.All(
            Dataset.Open(_directory["out"]).Load("train"),
            row => Assert.Equal(("The last digit decides it.", "even"), (row.Rationale, row.TeacherLabel)));
        var prompts = Enumerable.Range(0, 4).Select(i => vocabulary.Encode(Prompt(TestData.Row("train", i))).Length);
        Assert.Equal((prompts.Sum(), 4 * 6L, 0.0), (result.InputTokens, result.OutputTokens, result.Cost));
        await using var journal = Journal.Open(_directory["out.journal"]);
        Assert.Equal((4, $"genai:{_directory["model"]}"), (journal.Count, Assert.Single(journal.Totals).Key));
        Assert.Contains(reporter.Details, d => d.EndsWith(" tokens/s", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, 24, "unparsable: the answer cannot be used: it does not name its answer")]
    [InlineData(2, 7, "cut: the answer was cut at 7 tokens (--max-output-tokens)")]
    public async Task Try_RandomModel_ShowsItsAnswerToTheRenderedPrompt(int seed, int most, string verdict)
    {
        var decoder = new TinyDecoder(new TinyVocabulary(), seed);
        TinyDecoderFiles.Write(_directory["model"], decoder);
        TestData.Write(_directory["data"], 1);
        var options = Options() with { Try = 1, MaxOutputTokens = most, ParseRetries = 0 };
        var row = Assert.Single((await AnnotateStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken)).Tried!);
        var prompt = decoder.Vocabulary.Encode(Prompt(TestData.Row("train", 0)));
        Assert.Equal(decoder.Vocabulary.Decode(decoder.Greedy(prompt, most)), row.RawAnswer);
        Assert.Equal(verdict, row.Verdict);
    }

    [Theory]
    [InlineData(6, "kept")]
    [InlineData(4, "cut")]
    public async Task Try_AnswerThatEndsWithTheLastToken_IsNotCut(int most, string verdict)
    {
        var vocabulary = new TinyVocabulary("The last digit", " decides it.", " So the answer", " is even", ". ");
        TinyDecoderFiles.Write(_directory["model"], Answering(vocabulary, TinyVocabulary.Assistant, TinyVocabulary.End));
        TestData.Write(_directory["data"], 1);
        var options = Options() with { Try = 1, MaxOutputTokens = most, ParseRetries = 0 };
        var row = Assert.Single((await AnnotateStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken)).Tried!);
        Assert.Equal(verdict, row.Verdict.Split(':')[0]);
    }

    [Fact]
    public async Task Run_TextToBeContinued_EndsAtAStopSequenceThatSpansTokens()
    {
        var vocabulary = new TinyVocabulary("The last digit", " decides it.", " So the answer is odd.", "\n\n", "Q: and");
        var decoder = Answering(vocabulary, vocabulary.Encode(":")[0], vocabulary.Word(0));
        TinyDecoderFiles.Write(_directory["model"], decoder);
        TestData.Write(_directory["data"], 2);
        var result = await AnnotateStage.RunAsync(
            Options() with { Style = PromptStyle.Completion }, Reporter.None, TestContext.Current.CancellationToken);
        Assert.Equal((2L, 2 * 5L), (result.Splits!["train"].Kept, result.OutputTokens));
        var entries = File.ReadAllLines(_directory["out.journal/journal.jsonl"]);
        Assert.All(
            entries, e => Assert.Contains("\"text\":\"The last digit decides it. So the answer is odd.\"", e, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Try_Structured_KeepsToTheSchema()
    {
        TinyDecoderFiles.Write(_directory["model"], new TinyDecoder(new TinyVocabulary(), 8));
        TestData.Write(_directory["data"], 1);
        var options = Options() with { Try = 1, Structured = true, MaxOutputTokens = 200, ParseRetries = 0 };
        var row = Assert.Single((await AnnotateStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken)).Tried!);
        // This model continues with blanks where it can, so that the limit leaves the object open.
        Assert.Matches("^\\s*\\{\\s*\"rationale\"\\s*:\\s*\"[^\"]*\"\\s*,\\s*\"label\"\\s*:\\s*\"(even|odd)\"\\s*$", row.RawAnswer);
        Assert.Equal((null, "cut"), (row.Label, row.Verdict.Split(':')[0]));
    }

    [Fact]
    public async Task Try_Sampling_FollowsTheSeed()
    {
        TinyDecoderFiles.Write(_directory["model"], new TinyDecoder(new TinyVocabulary(), 5));
        TestData.Write(_directory["data"], 1);
        async Task<string?> Answer(double temperature, int seed)
        {
            var options = Options() with
            {
                Try = 1,
                MaxOutputTokens = 16,
                ParseRetries = 0,
                Temperature = temperature,
                Seed = seed,
                SendSeed = true,
            };
            return Assert.Single(
                (await AnnotateStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken)).Tried!).RawAnswer;
        }

        Assert.Equal(await Answer(1, 7), await Answer(1, 7));
        Assert.NotEqual(await Answer(1, 7), await Answer(1, 8));
        Assert.Equal(await Answer(0, 7), await Answer(0, 8));
    }

    [Fact]
    public async Task Try_PromptLongerThanTheContext_FailsThatRowWithAMessage()
    {
        TinyDecoderFiles.Write(_directory["model"], new TinyDecoder(new TinyVocabulary(), 6), context: 64);
        TestData.Write(_directory["data"], 1);
        var row = Assert.Single(
            (await AnnotateStage.RunAsync(Options() with { Try = 1 }, Reporter.None, TestContext.Current.CancellationToken)).Tried!);
        Assert.Matches("^failed: the prompt has [0-9]+ tokens, and the model reads 64 of prompt and answer$", row.Verdict);
    }

    [Theory]
    [InlineData(null, "expected a model of ONNX Runtime GenAI \\(genai_config.json\\)$")]
    [InlineData("{}", "genai_config.json: expected \"model\" with \"context_length\"")]
    [InlineData("{\"model\":{\"type\":\"llama\",\"context_length\":8}}", "cannot be loaded: ")]
    public async Task Run_NoModel_IsBadInput(string? config, string message)
    {
        Directory.CreateDirectory(_directory["model"]);
        if (config is not null) File.WriteAllText(Path.Combine(_directory["model"], "genai_config.json"), config);
        TestData.Write(_directory["data"], 1);
        var fault = await Assert.ThrowsAsync<InputException>(() =>
            AnnotateStage.RunAsync(Options(), Reporter.None, TestContext.Current.CancellationToken));
        Assert.Matches(message, fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }

    public void Dispose() => _directory.Dispose();

    // The words one after another, from a token that the prompt ends with to one that comes after them.
    private static TinyDecoder Answering(TinyVocabulary vocabulary, int before, int after) =>
        new TinyDecoder(vocabulary, 4).Chain([before, .. vocabulary.Words.Select((_, i) => vocabulary.Word(i)), after]);

    private static string Prompt(Example row) =>
        "<|system|>Give each text one of these labels: even, odd. Give your reasons in one or two sentences, then the label. "
        + $"End with: So the answer is LABEL.<|end|><|user|>Q: {row.Input}\nA:<|end|><|assistant|>";

    private AnnotateOptions Options() => new()
    {
        Data = _directory["data"],
        Teacher = $"genai:{_directory["model"]}",
        Out = _directory["out"],
        Concurrency = 4,
    };
}
