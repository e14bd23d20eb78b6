using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Core.Prediction;

/// <summary>A student that labels inputs, whatever engine runs it. Implementations may be called from several threads.</summary>
public interface IPredictor : IDisposable
{
    /// <summary>The task that the student was trained for.</summary>
    TaskSpec Task { get; }

    /// <summary>Labels a batch. Answers come in the order of the inputs and do not depend on what else is in the batch.</summary>
    /// <param name="inputs">The inputs; an empty batch gives an empty answer.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <exception cref="InputException">An input has no text, a closed-set task's input lacks choices, or has choices
    /// where the task has none.</exception>
    /// <exception cref="InferenceException">The model failed on an input, or answers it with values that are no numbers.</exception>
    IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default);

    /// <summary>Labels a batch without holding the caller's thread. Where it is not done otherwise, a thread of the pool waits.</summary>
    /// <param name="inputs">The inputs; an empty batch gives an empty answer.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <exception cref="InputException">An input has no text, a closed-set task's input lacks choices, or has choices
    /// where the task has none.</exception>
    /// <exception cref="InferenceException">The model failed on an input, or answers it with values that are no numbers.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<IReadOnlyList<LabelPrediction>> PredictAsync(
        IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default) =>
        System.Threading.Tasks.Task.Run(() => Predict(inputs, cancellationToken), cancellationToken);
}
