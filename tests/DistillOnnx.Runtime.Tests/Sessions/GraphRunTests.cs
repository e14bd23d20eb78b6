using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests.Sessions;

public sealed class GraphRunTests
{
    [Fact]
    public void Run_TokenCancelledOnceTheRunIsUnderWay_EndsAsCancelled()
    {
        using var bundle = TinyBundle.Create(TinyBundle.TextTask);
        using var predictor = bundle.Open();
        using var stop = new CancellationTokenSource();
        using var run = new GraphRun(stop.Token);
        using var batch = new TokenBatch([[5, 6, 1]], 0);

        // What a cancellation in the middle of a run does is to raise the flag that the run polls; raised before, it is polled first.
        stop.Cancel();
        Assert.True(run.Options.Terminate);
        var error = Assert.Throws<OperationCanceledException>(() => predictor.Bundle.TextGenerator().Encoder.Encode(run, batch.InputIds, batch.AttentionMask));
        Assert.Equal(stop.Token, error.CancellationToken);
    }

    [Fact]
    public void Predict_AfterACancelledRun_AnswersAgain()
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask, Export.GraphSet.Label);
        using var predictor = bundle.Open();
        EncodedInput[] rows = [predictor.Encode(new Core.Prediction.PredictionInput("it is"))];
        Assert.Throws<OperationCanceledException>(() => predictor.Predict(rows, new CancellationToken(canceled: true)));
        Assert.Equal(1, predictor.Predict(rows)[0].Probabilities!.Sum(), 1e-9);
    }
}
