using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Hosting.Batching;

/// <summary>A predictor in two steps: encoding, which any thread does, and running a batch, which one thread does.</summary>
internal interface IServedPredictor : IDisposable
{
    /// <summary>The task that the model was trained for.</summary>
    TaskSpec Task { get; }

    /// <summary>A short name of the device and precision that run it.</summary>
    string Device { get; }

    /// <summary>Whether it runs on a GPU, which wants larger batches than a processor.</summary>
    bool OnGpu => false;

    /// <summary>How many batches may run side by side, each on threads of its own; 1: every batch uses all threads.</summary>
    int Lanes => 1;

    /// <summary>Makes an input ready.</summary>
    /// <exception cref="InputException">The model cannot answer this input.</exception>
    EncodedRow Encode(PredictorInput input);

    /// <summary>Makes an input ready whose choices have a bound.</summary>
    /// <param name="input">The input.</param>
    /// <param name="maxChoiceTokens">Most tokens of its choices together.</param>
    /// <exception cref="InputException">The model cannot answer this input, or its choices have more tokens.</exception>
    EncodedRow EncodeWithin(PredictorInput input, int maxChoiceTokens);

    /// <summary>Labels a batch, in its order.</summary>
    /// <param name="rows">The batch.</param>
    /// <param name="lane">The lane that it runs on; null: all threads.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<EncodedRow> rows, int? lane, CancellationToken cancellationToken);

    /// <summary>Why the model cannot write rationales; null: it can. Asking loads nothing.</summary>
    string? CannotExplain => $"task \"{Task.Name}\": the model cannot explain";

    /// <summary>Writes a rationale for one input. The first call loads what that needs.</summary>
    /// <param name="input">The input.</param>
    /// <param name="settings">Limit and beams.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    string Explain(PredictorInput input, ExplainSettings settings, CancellationToken cancellationToken) =>
        throw new InputException(CannotExplain ?? "");
}
