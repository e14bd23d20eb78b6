namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>Waits for what another thread brings about, within a bound.</summary>
internal static class Wait
{
    /// <summary>Returns once a condition holds.</summary>
    /// <exception cref="OperationCanceledException">It did not within <see cref="TestServer.Patience"/>.</exception>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TestServer.Patience);
        while (!condition()) await Task.Delay(1, patience.Token);
    }
}
