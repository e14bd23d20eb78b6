using CsCheck;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Export;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests;

public sealed class BundlePredictorTests : IClassFixture<BundlePredictorTests.Bundles>
{
    private static readonly string[] Texts =
    [
        "is it the cat?",
        "a much longer premise, and then it goes on and on until it is cut",
        "a",
        "no",
        "the being is not a being; may be it is: 12 + 3 = 15!",
    ];

    private readonly Bundles _bundles;

    public BundlePredictorTests(Bundles bundles) => _bundles = bundles;

    [Theory]
    [InlineData(GraphChoice.Label)]
    [InlineData(GraphChoice.Decoder)]
    public void Predict_ClosedSet_EqualsConstrainedDecodingByDefinition(GraphChoice graph)
    {
        using var predictor = _bundles.Labels.Open(graph);
        var answers = predictor.Predict([.. Texts.Select(t => new PredictorInput(t))], TestContext.Current.CancellationToken);
        for (var i = 0; i < Texts.Length; i++) AssertAnswer(_bundles.Labels.Expected(Texts[i]), TinyBundle.Labels, answers[i]);
    }

    [Theory]
    [InlineData(GraphChoice.Label)]
    [InlineData(GraphChoice.Decoder)]
    public void Predict_ChoicesPerRow_EqualsConstrainedDecodingByDefinition(GraphChoice graph)
    {
        string[][] choices =
            [
                ["yes", "no"], ["maybe", "may", "mayor", "nothing", "the cat"], ["a", "b", "ab"], ["it is", "it is not"],
                ["being", "be", "not being"],
            ];
        using var predictor = _bundles.Choices.Open(graph);
        var answers = predictor.Predict([.. Texts.Zip(choices, (t, c) => new PredictorInput(t, c))], TestContext.Current.CancellationToken);
        for (var i = 0; i < Texts.Length; i++) AssertAnswer(_bundles.Choices.Expected(Texts[i], choices[i]), choices[i], answers[i]);
    }

    [Theory]
    [InlineData(GraphChoice.Label)]
    [InlineData(GraphChoice.Decoder)]
    public void Predict_ChoicesWithALongBeginningInCommon_AreRefusedBeforeARun(GraphChoice graph)
    {
        using var predictor = _bundles.Choices.Open(graph);
        var same = new string('x', 50_000);

        var error = Assert.Throws<InputException>(() => predictor.Predict([new PredictorInput("no", [same + "a", same + "b"])]));

        Assert.Equal("choices: expected at most 1024 tokens of beginnings that they share, found 50002", error.Message);

        // Long choices that part at once cost no more than short ones.
        Assert.Equal(2, predictor.Predict([new PredictorInput("no", ["a" + same, "b" + same])])[0].Probabilities!.Count);
    }

    [Fact]
    public void Predict_ManyRowsWithLargeTries_AnswersEachAsAlone()
    {
        using var predictor = _bundles.Choices.Open();
        PredictorInput[] inputs =
        [
            .. Enumerable.Range(0, 12).Select(i =>
            {
                var same = new string((char)('a' + i), 30 * i);
                return new PredictorInput(Texts[i % Texts.Length], [same + "yes", same + "no", "maybe"]);
            }),
        ];

        var together = predictor.Predict(inputs, TestContext.Current.CancellationToken);

        for (var i = 0; i < inputs.Length; i++)
        {
            var alone = predictor.Predict([inputs[i]], TestContext.Current.CancellationToken)[0];
            Assert.Equal(alone.Label, together[i].Label);
            for (var c = 0; c < 3; c++) Assert.Equal(alone.Probabilities![c], together[i].Probabilities![c], 1e-5);
        }
    }

    [Fact]
    public void Explain_EqualsGreedyDecodingByDefinition_OfTheOtherPrefix()
    {
        var bundle = _bundles.Labels;
        using var predictor = bundle.Open();
        var rationales = predictor.Explain(
            [.. Texts.Select(t => new PredictorInput(t))], new ExplainSettings { MaxTokens = 9 }, TestContext.Current.CancellationToken);
        var texts = rationales.Select(r => r.Text);

        Assert.Equal(Texts.Select(t => Greedy(bundle, bundle.Encoder.EncodeExplainInput(t, out _), 9)), texts);
        Assert.NotEqual(Texts.Select(t => Greedy(bundle, bundle.Encoder.EncodeInput(t, out _), 9)), texts);

        // Random weights do not come to an end by themselves.
        Assert.All(rationales, r => Assert.True(r.IsCut));
    }

    [Fact]
    public void Predict_WithoutTheGraphsThatWriteText_LabelsAsBefore_AndOnlyExplainRefuses()
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask, GraphSet.Label);
        using var predictor = bundle.Open();
        PredictorInput[] inputs = [new("no")];

        AssertAnswer(bundle.Expected("no"), TinyBundle.Labels, predictor.Predict(inputs, TestContext.Current.CancellationToken)[0]);
        var error = Assert.Throws<InputException>(() => predictor.Explain(inputs, new ExplainSettings()));
        Assert.Contains("encoder_model.onnx", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_StudentTrainedWithoutRationales_IsRefused()
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask with { PredictPrefix = "", ExplainPrefix = "" });
        using var predictor = bundle.Open();

        var error = Assert.Throws<InputException>(() => predictor.Explain([new PredictorInput("no")], new ExplainSettings()));
        Assert.StartsWith("task \"tiny\": the student was trained without rationales", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_OpenText_EqualsGreedyDecodingByDefinition()
    {
        var bundle = _bundles.Text;
        using var predictor = bundle.Open();
        var answers = predictor.Predict([.. Texts.Select(t => new PredictorInput(t))], TestContext.Current.CancellationToken);
        for (var i = 0; i < Texts.Length; i++)
        {
            Assert.Equal(Greedy(bundle, bundle.Encoder.EncodeInput(Texts[i], out _), bundle.Task.MaxLabelTokens!.Value), answers[i].Label);
            Assert.Null(answers[i].Probabilities);
        }
    }

    [Fact]
    public void Predict_WhateverElseIsInTheBatch_AnswersInOrderAndTheSame()
    {
        using var predictor = _bundles.Labels.Open(maxBatchTokens: 64);
        var alone = Texts.ToDictionary(t => t, t => predictor.Predict([new PredictorInput(t)])[0]);
        Gen.Int[0, Texts.Length - 1].Select(i => Texts[i]).Array[0, 12].Sample(
            batch =>
            {
                var answers = predictor.Predict([.. batch.Select(t => new PredictorInput(t))]);
                Assert.Equal(batch.Length, answers.Count);
                for (var i = 0; i < batch.Length; i++)
                {
                    Assert.Equal(alone[batch[i]].Label, answers[i].Label);
                    Assert.Equal(alone[batch[i]].InputTokens, answers[i].InputTokens);
                    for (var label = 0; label < TinyBundle.Labels.Length; label++)
                        Assert.Equal(alone[batch[i]].Probabilities![label], answers[i].Probabilities![label], 1e-5);
                }
            },
            iter: 40);
    }

    [Fact]
    public void Predict_ManyThreadsAtOnce_EachGetsItsOwnAnswers()
    {
        using var predictor = _bundles.Labels.Open();
        var expected = predictor.Predict([.. Texts.Select(t => new PredictorInput(t))]);
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var which = i % Texts.Length;
            var answer = predictor.Predict([new PredictorInput(Texts[which])])[0];
            Assert.Equal(expected[which].Label, answer.Label);
            Assert.Equal(expected[which].Probability!.Value, answer.Probability!.Value, 1e-5);
        });
    }

    [Fact]
    public void Predict_InputBeyondTheLimit_IsCutAndSaysSo()
    {
        using var predictor = _bundles.Labels.Open();
        var answers = predictor.Predict([new PredictorInput(Texts[1]), new PredictorInput("no")]);
        Assert.True(answers[0].Truncated);
        Assert.Equal(TinyBundle.LabelTask.MaxInputTokens, answers[0].InputTokens);
        Assert.False(answers[1].Truncated);
    }

    [Theory]
    [InlineData(1.0, true)]
    [InlineData(0.0, false)]
    public void Predict_ProbabilityAgainstTheThreshold_DecidesAbstention(double threshold, bool abstains)
    {
        using var predictor = _bundles.Labels.Open(abstainBelow: threshold);
        Assert.Equal(abstains, predictor.Predict([new PredictorInput("no")])[0].Abstained);
    }

    [Fact]
    public void Predict_EmptyBatch_AnswersNothing()
    {
        using var predictor = _bundles.Labels.Open();
        Assert.Empty(predictor.Predict(Array.Empty<PredictorInput>()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public void Predict_TextThatIsEmpty_IsRefused(string text)
    {
        using var predictor = _bundles.Labels.Open();
        var error = Assert.Throws<InputException>(() => predictor.Predict([new PredictorInput("no"), new PredictorInput(text)]));
        Assert.Equal("text: expected a text, found an empty one", error.Message);
        Assert.Throws<InputException>(() => predictor.Explain([new PredictorInput(text)], new ExplainSettings()));
    }

    [Fact]
    public void Predict_TokenCancelledBefore_Throws()
    {
        using var predictor = _bundles.Labels.Open();
        Assert.Throws<OperationCanceledException>(
            () => predictor.Predict([new PredictorInput("no")], new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Encode_ChoicesWhereTheTaskHasNone_IsRefused()
    {
        using var predictor = _bundles.Labels.Open();
        var error = Assert.Throws<InputException>(() => predictor.Encode(new PredictorInput("no", ["a", "b"])));
        Assert.StartsWith("choices: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("one")]
    [InlineData("same|same")]
    public void Encode_ChoicesThatAreNoClosedSet_AreRefused(string? choices)
    {
        using var predictor = _bundles.Choices.Open();
        Assert.Throws<InputException>(() => predictor.Encode(new PredictorInput("no", choices?.Split('|'))));
    }

    private static string Greedy(TinyBundle bundle, int[] input, int maxTokens)
    {
        var encoded = bundle.Reference.Encode(input);
        var tokens = new List<int> { 0 };
        while (tokens.Count <= maxTokens && tokens[^1] != 1)
        {
            var logits = bundle.Reference.Decode(tokens, encoded)[^1];
            tokens.Add(Array.IndexOf(logits, logits.Max()));
        }

        return bundle.Encoder.Tokenizer.Decode(tokens.Skip(1).ToArray()).Trim();
    }

    private static void AssertAnswer(double[] expected, IReadOnlyList<string> labels, LabelPrediction answer)
    {
        Assert.Equal(expected.Length, answer.Probabilities!.Count);
        for (var label = 0; label < expected.Length; label++)
        {
            Assert.Equal(Math.Exp(expected[label]), answer.Probabilities[label], 1e-4);
            Assert.Equal(expected[label], answer.RawLogProbabilities![label], 1e-4 * Math.Max(1, expected.Max(Math.Abs)));
        }

        Assert.Equal(1, answer.Probabilities.Sum(), 1e-9);
        Assert.Equal(labels[Array.IndexOf(expected, expected.Max())], answer.Label);
        Assert.Equal(answer.Probabilities.Max(), answer.Probability);
    }

    /// <summary>Exported once for all tests.</summary>
    public sealed class Bundles : IDisposable
    {
        internal TinyBundle Labels { get; } = TinyBundle.Create(TinyBundle.LabelTask);

        internal TinyBundle Choices { get; } = TinyBundle.Create(TinyBundle.ChoiceTask);

        internal TinyBundle Text { get; } = TinyBundle.Create(TinyBundle.TextTask);

        public void Dispose()
        {
            Labels.Dispose();
            Choices.Dispose();
            Text.Dispose();
        }
    }
}
