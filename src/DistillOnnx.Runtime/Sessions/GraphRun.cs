using DistillOnnx.Core.Prediction;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>The options of one or more runs that a token can stop: a run ends within some ten milliseconds.</summary>
internal sealed class GraphRun : IDisposable
{
    private readonly CancellationToken _token;
    private readonly CancellationTokenRegistration _registration;

    public GraphRun(CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        _token = token;
        Options = new RunOptions();
        if (token.CanBeCanceled) _registration = token.UnsafeRegister(static state => ((RunOptions)state!).Terminate = true, Options);
    }

    public RunOptions Options { get; }

    /// <summary>Runs a graph on inputs that lie in memory of the processor.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        InferenceSession session, string[] inputNames, OrtValue[] inputs, string[] outputNames) =>
        On(session, () => session.Run(Options, inputNames, inputs, outputNames));

    /// <summary>Runs a graph on what is bound.</summary>
    public void Run(InferenceSession session, OrtIoBinding binding) => On(session, () =>
    {
        session.RunWithBinding(Options, binding);
        return true;
    });

    public void Dispose()
    {
        // Waits for a callback that is setting Terminate just now, so that it never sees options already freed.
        _registration.Dispose();
        Options.Dispose();
    }

    /// <summary>What ONNX Runtime says, on one line.</summary>
    public static string OneLine(OnnxRuntimeException e) => e.Message.ReplaceLineEndings(" ").Trim();

    private T On<T>(InferenceSession session, Func<T> run)
    {
        var pool = (session as PooledSession)?.Threads;
        pool?.Enter();
        try
        {
            return run();
        }
        catch (OnnxRuntimeException e)
        {
            throw Translate(e);
        }
        finally
        {
            pool?.Exit();
        }
    }

    private Exception Translate(OnnxRuntimeException e) => _token.IsCancellationRequested
        ? new OperationCanceledException(_token)
        : new InferenceException($"ONNX Runtime failed on a graph: {OneLine(e)}", e);
}
