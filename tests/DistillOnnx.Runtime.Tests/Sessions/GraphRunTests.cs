using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests.Sessions;

public sealed class GraphRunTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Run_TokenCancelledWhileRunsAreUnderWay_EndsAsCancelled()
    {
        using var bundle = TinyBundle.Create(TinyBundle.TextTask);
        using var predictor = bundle.Open();
        using var stop = new CancellationTokenSource();
        using var run = new GraphRun(stop.Token);
        using var batch = new TokenBatch([[5, 6, 1]], 0);
        var encoder = predictor.Bundle.TextGenerator().Encoder;
        var underWay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // One run after the other, so that the cancellation comes in the middle of one or between two.
        var runs = Task.Run(
            () =>
            {
                while (true)
                {
                    encoder.Encode(run, batch.InputIds, batch.AttentionMask).Dispose();
                    underWay.TrySetResult();
                }
            },
            TestContext.Current.CancellationToken);
        await underWay.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        var error = await Assert.ThrowsAsync<OperationCanceledException>(
            () => runs.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal(stop.Token, error.CancellationToken);
    }

    [Fact]
    public void Predict_AfterACancelledRun_AnswersAgain()
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask, Export.GraphSet.Label);
        using var predictor = bundle.Open();
        EncodedInput[] rows = [predictor.Encode(new Core.Prediction.PredictorInput("it is"))];
        Assert.Throws<OperationCanceledException>(() => predictor.Predict(rows, new CancellationToken(canceled: true)));
        Assert.Equal(1, predictor.Predict(rows)[0].Probabilities!.Sum(), 1e-9);
    }
}
