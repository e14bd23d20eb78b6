using System.Threading.Channels;
using DistillOnnx.V1;
using Grpc.Core;

namespace DistillOnnx.Server.Services;

/// <summary>One bidirectional stream: requests are answered at the same time, as many as there are slots, each under its id.</summary>
internal sealed class PredictionStream(PredictionCalls calls, CallOrigin origin, CancellationToken stopping)
{
    // Requests of a stream that may be unanswered at a time; beyond that the stream is not read, and flow control stops the client.
    private const int Slots = 256;

    private readonly SemaphoreSlim _slots = new(Slots, Slots);
    private readonly Channel<PredictStreamResponse> _answers =
        Channel.CreateUnbounded<PredictStreamResponse>(new() { SingleReader = true });

    /// <summary>Serves the stream to its end.</summary>
    /// <exception cref="RpcException">UNAVAILABLE, after what was read is answered: the server is stopping.</exception>
    public async Task RunAsync(
        IAsyncStreamReader<PredictStreamRequest> requests,
        IServerStreamWriter<PredictStreamResponse> responses,
        CancellationToken cancellationToken)
    {
        var writing = WriteAsync(responses, cancellationToken);
        var ended = false;
        try
        {
            ended = await ReadAsync(requests, cancellationToken);
            // All slots back: every request that was read has its answer.
            for (var i = 0; i < Slots; i++) await _slots.WaitAsync(cancellationToken);
        }
        finally
        {
            _answers.Writer.TryComplete();
            await writing;
        }

        if (!ended) throw new RpcException(new Status(StatusCode.Unavailable, "shutting down"));
    }

    /// <summary>Reads until the client is done (true) or the server stops (false).</summary>
    private async Task<bool> ReadAsync(IAsyncStreamReader<PredictStreamRequest> requests, CancellationToken cancellationToken)
    {
        var stop = new TaskCompletionSource();
        await using var registration = stopping.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), stop);
        while (true)
        {
            // To cancel the read would break the stream off, and with it the answers that are still due.
            var next = requests.MoveNext(cancellationToken);
            if (await Task.WhenAny(next, stop.Task) != next) return false;
            if (!await next) return true;
            await _slots.WaitAsync(cancellationToken);
            _ = AnswerAsync(requests.Current, cancellationToken);
        }
    }

    private async Task AnswerAsync(PredictStreamRequest message, CancellationToken cancellationToken)
    {
        // Off the reading loop: encoding one request must not hold up the next.
        await Task.Yield();
        var answer = new PredictStreamResponse { Id = message.Id };
        try
        {
            answer.Response = await calls.PredictAsync(message.Request ?? new PredictRequest(), origin, cancellationToken);
        }
        catch (RpcException e)
        {
            answer.Error = PredictResponses.ErrorOf(e);
        }
#pragma warning disable CA1031 // One request's fault is that request's answer.
        catch (Exception)
#pragma warning restore CA1031
        {
            answer.Error = PredictResponses.ErrorOf(Faults.Internal());
        }

        _answers.Writer.TryWrite(answer);
        _slots.Release();
    }

    private async Task WriteAsync(IServerStreamWriter<PredictStreamResponse> responses, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var answer in _answers.Reader.ReadAllAsync(cancellationToken))
                await responses.WriteAsync(answer, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException or IOException)
        {
            // The client has disconnected.
        }
    }
}
