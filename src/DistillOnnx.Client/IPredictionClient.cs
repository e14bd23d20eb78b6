using DistillOnnx.V1;
using Grpc.Core;

namespace DistillOnnx.Client;

/// <summary>
/// What a program asks of a prediction service, as an interface that tests can replace. Implementations may be called from
/// several threads.
/// </summary>
public interface IPredictionClient
{
    /// <summary>Labels one text.</summary>
    /// <param name="model">The model's name; empty where the server has one model.</param>
    /// <param name="text">The text, without a task prefix.</param>
    /// <param name="choices">The closed set of this input, for tasks whose inputs bring one; otherwise null.</param>
    /// <param name="explain">Whether the answer has a rationale too, which takes many times as long as the label.</param>
    /// <param name="cancellationToken">Cancels the call, on the server too.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<Prediction> PredictAsync(
        string model,
        string text,
        IReadOnlyList<string>? choices = null,
        bool explain = false,
        CancellationToken cancellationToken = default);

    /// <summary>Labels a batch of texts; answers come in their order.</summary>
    /// <param name="model">The model's name; empty where the server has one model.</param>
    /// <param name="texts">The texts, without a task prefix.</param>
    /// <param name="explain">Whether the answers have rationales too, which take many times as long as the labels.</param>
    /// <param name="cancellationToken">Cancels the call, on the server too.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<IReadOnlyList<Prediction>> PredictAsync(
        string model, IEnumerable<string> texts, bool explain = false, CancellationToken cancellationToken = default);

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancels the call, on the server too.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<PredictResponse> PredictAsync(PredictRequest request, CancellationToken cancellationToken = default);

    /// <summary>Sends requests as they come over one stream and yields answers as they come, each with its request's id.</summary>
    /// <param name="requests">The requests; the stream ends when they do and all are answered, and at once with their exception.</param>
    /// <param name="cancellationToken">Cancels the stream.</param>
    /// <exception cref="RpcException">The stream failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    IAsyncEnumerable<PredictStreamResponse> PredictStreamAsync(
        IAsyncEnumerable<PredictStreamRequest> requests, CancellationToken cancellationToken = default);

    /// <summary>All models that the server knows.</summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<IReadOnlyList<Model>> ListModelsAsync(CancellationToken cancellationToken = default);

    /// <summary>Describes one model.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="version">The version; null: the current one.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<Model> GetModelAsync(string name, string? version = null, CancellationToken cancellationToken = default);
}
