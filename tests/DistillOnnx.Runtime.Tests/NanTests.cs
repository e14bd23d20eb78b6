using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Tests.Fixtures;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests;

/// <summary>Graphs whose answers are no numbers.</summary>
public sealed class NanTests
{
    private static readonly PredictorInput[] Rows = [new("it is"), new("it ~ is")];

    [Theory]
    [InlineData(GraphChoice.Label)]
    [InlineData(GraphChoice.Decoder)]
    public void Predict_GraphThatAnswersWithNaN_FailsOnThatInputAlone(GraphChoice graph)
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask);
        using (var sound = bundle.Open(graph)) Assert.Equal(2, sound.Predict(Rows, TestContext.Current.CancellationToken).Count);
        NanWeights.SpoilTilde(bundle.CheckpointDirectory, bundle.Directory);
        using var predictor = bundle.Open(graph);

        var fault = Assert.Throws<InferenceException>(() => predictor.Predict(Rows, TestContext.Current.CancellationToken));

        Assert.Contains("no numbers", fault.Message, StringComparison.Ordinal);
        Assert.InRange(predictor.Predict(Rows[..1], TestContext.Current.CancellationToken)[0].Probability!.Value, 0.25, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Generate_GraphThatAnswersWithNaN_IsRefused(int beams)
    {
        using var bundle = TinyBundle.Create(TinyBundle.TextTask, config: RandomCheckpoint.Uneven with { TieWordEmbeddings = false });
        NanWeights.SpoilTilde(bundle.CheckpointDirectory, bundle.Directory);
        using var predictor = bundle.Open();
        var generator = predictor.Bundle.TextGenerator();
        var options = new GenerationOptions { Beams = beams, MaxNewTokens = 4 };
        int[] Tokens(int row) => bundle.Encoder.EncodeInput(Rows[row].Text, out _);

        Assert.NotEmpty(generator.Generate([Tokens(0)], options, TestContext.Current.CancellationToken)[0]);
        Assert.Throws<InferenceException>(() => generator.Generate([Tokens(1)], options, TestContext.Current.CancellationToken));
    }
}
