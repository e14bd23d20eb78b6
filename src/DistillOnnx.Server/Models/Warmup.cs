using System.Diagnostics;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Hosting.Batching;

namespace DistillOnnx.Server.Models;

/// <summary>Runs a model before anybody waits for it, so that buffers are there, code is compiled, and its speed is known.</summary>
internal static class Warmup
{
    private const int Rounds = 2;

    // Lengths in words; a token or so each.
    private static readonly int[] Words = [4, 16, 64];

    /// <summary>Warms a version up and gives its batcher a first measure of the model's speed.</summary>
    /// <exception cref="Core.InputException">The model cannot answer plain text.</exception>
    public static void Run(ModelVersion model, CancellationToken cancellationToken)
    {
        IReadOnlyList<string>? choices = model.Task.Kind == TaskKind.Choices ? ["yes", "no"] : null;
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var words in Words)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var row = model.Predictor.Encode(new PredictorInput(string.Join(' ', Enumerable.Repeat("word", words)), choices));
                var batch = Enumerable.Repeat(row, round == 0 ? 1 : 4).ToArray();
                var started = Stopwatch.GetTimestamp();
                model.Predictor.Predict(batch, lane: null, cancellationToken);

                // The first round includes allocation and compilation, so its time is not representative.
                if (round > 0) model.Batcher.Observe(batch.Sum(r => (long)r.Tokens), Stopwatch.GetElapsedTime(started));
                if (round == 0 && words == Words[0]) RunLanes(model.Predictor, batch, cancellationToken);
            }
        }
    }

    private static void RunLanes(IServedPredictor predictor, EncodedRow[] batch, CancellationToken cancellationToken)
    {
        for (var lane = 0; predictor.Lanes > 1 && lane < predictor.Lanes; lane++) predictor.Predict(batch, lane, cancellationToken);
    }
}
