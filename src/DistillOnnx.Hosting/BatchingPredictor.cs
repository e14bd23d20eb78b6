using System.Runtime.ExceptionServices;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Devices;
using Microsoft.Extensions.Options;

namespace DistillOnnx.Hosting;

/// <summary>
/// A bundle behind a queue: rows of calls that come at the same time run together, in the batches that the server forms.
/// One instance serves a whole program, from any number of threads; it is closed when the container is.
/// </summary>
internal sealed class BatchingPredictor : IPredictor
{
    // All calls of a program share one queue and take turns in the order in which they came.
    private const string Caller = "";

    private readonly BundleServedPredictor _predictor;
    private readonly Batcher _batcher;
    private readonly int _queueRows;

    public BatchingPredictor(IOptions<DistillOnnxOptions> options)
        : this(Open(options.Value), options.Value)
    {
    }

    private BatchingPredictor(BundleServedPredictor predictor, DistillOnnxOptions options)
    {
        _predictor = predictor;
        _queueRows = options.QueueRows;
        var batches = BatchOptions.Of(Limits(options), predictor) with { OneCaller = true };
        _batcher = new Batcher(Task.Name, predictor, batches, new NoObserver(), TimeProvider.System);
    }

    /// <inheritdoc/>
    public TaskSpec Task => _predictor.Task;

    /// <inheritdoc/>
    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default) =>
        PredictAsync(inputs, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LabelPrediction>> PredictAsync(
        IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default)
    {
        if (inputs.Count == 0) return [];

        // Such a call would not fit into an empty queue either, so that trying again would be of no use.
        if (inputs.Count > _queueRows)
        {
            throw new ArgumentException(
                $"{inputs.Count} inputs in one call, more than {nameof(DistillOnnxOptions.QueueRows)} ({_queueRows}); "
                + "divide the call or raise the limit",
                nameof(inputs));
        }

        cancellationToken.ThrowIfCancellationRequested();
        var rows = new EncodedRow[inputs.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            try
            {
                rows[i] = _predictor.Encode(inputs[i]);
            }
            catch (InputException e) when (rows.Length > 1)
            {
                throw new InputException($"input {i + 1}: {e.Message}", e);
            }
        }

        return Answers(await RunAsync(rows, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batcher.Dispose();

        // A batch that runs has the session; it ends before the session does.
        _batcher.DrainAsync().GetAwaiter().GetResult();
        _predictor.Dispose();
    }

    private static BundleServedPredictor Open(DistillOnnxOptions options)
    {
        var batches = BatchOptions.Of(Limits(options), RuntimeDevice.Resolve(options.Runtime.Device).Kind == DeviceKind.Cuda);
        return new BundleServedPredictor(BundlePredictor.Open(
            options.Bundle, options.Runtime with { MaxBatchRows = batches.MaxRows, MaxBatchTokens = batches.MaxTokens }));
    }

    private static BatchLimits Limits(DistillOnnxOptions options) => new()
    {
        QueueRows = options.QueueRows,
        Rows = options.BatchRows,
        Tokens = options.BatchTokens,
        Wait = options.BatchWait,
        Lanes = options.Runtime.Lanes,
        Threads = options.Runtime.Threads,
    };

    private static LabelPrediction[] Answers(RowAnswer[] rows) => Array.ConvertAll(rows, row =>
    {
        if (row.Fault is { } fault) ExceptionDispatchInfo.Throw(fault);
        return row.Prediction!;
    });

    private async Task<RowAnswer[]> RunAsync(EncodedRow[] rows, CancellationToken cancellationToken)
    {
        try
        {
            return await _batcher.RunAsync(new BatchCall(rows, Caller, deadline: null, cancellationToken)).ConfigureAwait(false);
        }
        catch (RefusedException e)
        {
            throw new QueueFullException(e.Message, e.RetryAfter, e);
        }
    }

    /// <summary>An observer that records nothing.</summary>
    private sealed class NoObserver : IBatchObserver
    {
        public void Ran(BatchReport report)
        {
        }

        public void Refused(RefusalReason reason)
        {
        }

        public void Abandoned(int rows)
        {
        }
    }
}
