using System.Runtime.CompilerServices;
using DistillOnnx.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace DistillOnnx.Client;

/// <summary>
/// Calls a prediction service. One client serves a whole program: it may be used from many threads, keeps its connections
/// and shares them among calls, until it is disposed of. Errors are <see cref="RpcException"/>s with the codes that the proto
/// file names; a call that its caller cancels ends with <see cref="OperationCanceledException"/>.
/// </summary>
/// <example>
/// <code>
/// using var client = new PredictionClient("http://127.0.0.1:5080");
/// var answer = await client.PredictAsync("esnli", "A man sleeps. A man is awake.");
/// Console.WriteLine($"{answer.Label} {answer.Probability:P1}");
/// </code>
/// </example>
public sealed class PredictionClient : IPredictionClient, IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly PredictionService.PredictionServiceClient _client;
    private readonly TimeSpan _deadline;

    /// <summary>Creates a client for one server.</summary>
    /// <param name="address">For instance <c>http://127.0.0.1:5080</c>.</param>
    /// <exception cref="ArgumentException">It is no address.</exception>
    public PredictionClient(string address)
        : this(new PredictionClientOptions { Addresses = [address] })
    {
    }

    /// <summary>Creates a client.</summary>
    /// <param name="options">Where the servers are and how long the client waits.</param>
    /// <exception cref="ArgumentException">The options name no server, or one by what is no address, or mix cleartext and TLS.</exception>
    public PredictionClient(PredictionClientOptions options)
        : this(options, null)
    {
    }

    internal PredictionClient(PredictionClientOptions options, HttpMessageHandler? handler)
    {
        _channel = PredictionChannel.Create(options, handler);
        _client = new PredictionService.PredictionServiceClient(_channel);
        _deadline = options.Deadline;
    }

    /// <summary>The generated client on the same connections, for whatever this class does not cover. It sets no deadline.</summary>
    public PredictionService.PredictionServiceClient Raw => _client;

    /// <summary>Labels one text.</summary>
    /// <param name="model">The model's name; empty where the server has one model.</param>
    /// <param name="text">The text, without a task prefix.</param>
    /// <param name="choices">The closed set of this input, for tasks whose inputs bring one; otherwise null.</param>
    /// <param name="explain">Whether the answer has a rationale too, which takes many times as long as the label.</param>
    /// <param name="cancellationToken">Cancels the call, on the server too.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    public async Task<Prediction> PredictAsync(
        string model,
        string text,
        IReadOnlyList<string>? choices = null,
        bool explain = false,
        CancellationToken cancellationToken = default)
    {
        var request = new PredictRequest { Model = model, Inputs = { Input(text, choices) }, Explain = explain };
        return (await PredictAsync(request, cancellationToken).ConfigureAwait(false)).Predictions[0];
    }

    /// <summary>Labels a batch of texts; answers come in their order.</summary>
    /// <param name="model">The model's name; empty where the server has one model.</param>
    /// <param name="texts">The texts, without a task prefix.</param>
    /// <param name="explain">Whether the answers have rationales too, which take many times as long as the labels.</param>
    /// <param name="cancellationToken">Cancels the call, on the server too.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    public async Task<IReadOnlyList<Prediction>> PredictAsync(
        string model, IEnumerable<string> texts, bool explain = false, CancellationToken cancellationToken = default)
    {
        var request = new PredictRequest { Model = model, Explain = explain };
        request.Inputs.AddRange(texts.Select(t => Input(t, null)));
        return (await PredictAsync(request, cancellationToken).ConfigureAwait(false)).Predictions;
    }

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancels the call, on the server too.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    public async Task<PredictResponse> PredictAsync(PredictRequest request, CancellationToken cancellationToken = default) =>
        await EndAsync(_client.PredictAsync(request, Options(cancellationToken)), cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Sends requests as they come over one stream and yields answers as they come, which need not be in order: each
    /// carries its request's id. Has no deadline of its own and is not retried. Where the requests end with an exception, so does the
    /// stream, at once and with that exception.
    /// </summary>
    /// <param name="requests">The requests; the stream ends when they do and all are answered.</param>
    /// <param name="cancellationToken">Cancels the stream.</param>
    /// <exception cref="RpcException">The stream failed; single requests that fail are answered with an error instead.</exception>
    public async IAsyncEnumerable<PredictStreamResponse> PredictStreamAsync(
        IAsyncEnumerable<PredictStreamRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = _client.PredictStream(new CallOptions(cancellationToken: stop.Token));
        var sending = SendAsync(requests, call.RequestStream, stop);
        try
        {
            while (await NextAsync(call.ResponseStream, sending, stop.Token, cancellationToken).ConfigureAwait(false))
                yield return call.ResponseStream.Current;
            await sending.ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>All models that the server knows.</summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    public async Task<IReadOnlyList<Model>> ListModelsAsync(CancellationToken cancellationToken = default) =>
        (await EndAsync(_client.ListModelsAsync(new ListModelsRequest(), Options(cancellationToken)), cancellationToken)
            .ConfigureAwait(false)).Models;

    /// <summary>Describes one model.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="version">The version; null: the current one.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    public async Task<Model> GetModelAsync(string name, string? version = null, CancellationToken cancellationToken = default) =>
        await EndAsync(
            _client.GetModelAsync(new GetModelRequest { Name = name, Version = version ?? "" }, Options(cancellationToken)),
            cancellationToken)
            .ConfigureAwait(false);

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _channel.Dispose();

    private static PredictionInput Input(string text, IReadOnlyList<string>? choices)
    {
        var input = new PredictionInput { Text = text };
        if (choices is not null) input.Choices.AddRange(choices);
        return input;
    }

    private static async Task SendAsync(
        IAsyncEnumerable<PredictStreamRequest> requests,
        IClientStreamWriter<PredictStreamRequest> stream,
        CancellationTokenSource stop)
    {
        // Where the stream itself fails, the answers say why; a fault of the source they would never tell of.
        var ofSource = true;
        try
        {
            await foreach (var request in requests.WithCancellation(stop.Token).ConfigureAwait(false))
            {
                ofSource = request is null;
                await stream.WriteAsync(request!, stop.Token).ConfigureAwait(false);
                ofSource = true;
            }

            ofSource = false;
            await stream.CompleteAsync().ConfigureAwait(false);
        }
        catch when (ofSource)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<T> EndAsync<T>(AsyncUnaryCall<T> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("the call was cancelled", e, cancellationToken);
        }
        finally
        {
            call.Dispose();
        }
    }

    private static async Task<bool> NextAsync(
        IAsyncStreamReader<PredictStreamResponse> answers, Task sending, CancellationToken stop, CancellationToken cancellationToken)
    {
        try
        {
            return await answers.MoveNext(stop).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("the stream was cancelled", e, cancellationToken);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException
            && stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The source of requests ended the stream: its exception is the one to tell.
            await sending.ConfigureAwait(false);
            throw;
        }
    }

    private CallOptions Options(CancellationToken cancellationToken) =>
        new(deadline: DateTime.UtcNow + _deadline, cancellationToken: cancellationToken);
}
