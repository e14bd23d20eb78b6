namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>Holds the first batch until the test opens it.</summary>
internal sealed class Gate : IDisposable
{
    private readonly ManualResetEventSlim _open = new();
    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a batch is held.</summary>
    public Task Entered => _entered.Task.WaitAsync(TestServer.Patience);

    public void Open() => _open.Set();

    /// <summary>What a predictor calls with each batch.</summary>
    public Action<IReadOnlyList<string>> Hold(Action<IReadOnlyList<string>>? then = null) => texts =>
    {
        then?.Invoke(texts);
        _entered.TrySetResult();
        _open.Wait(TestServer.Patience);
    };

    public void Dispose() => _open.Set();
}
