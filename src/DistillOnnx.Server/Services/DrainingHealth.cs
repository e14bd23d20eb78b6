using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace DistillOnnx.Server.Services;

/// <summary>The health service. Watchers get NOT_SERVING when the server drains, and their streams end.</summary>
internal sealed class DrainingHealth(HealthServiceImpl health, IHostApplicationLifetime lifetime) : Health.HealthBase
{
    // Enough for the last status to be sent before the stream ends.
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(100);

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        health.Check(request, context);

    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var stopping = new TaskCompletionSource();
        using var registration = lifetime.ApplicationStopping.UnsafeRegister(
            static s => ((TaskCompletionSource)s!).TrySetResult(), stopping);
        var watching = health.Watch(request, responseStream, context);
        if (await Task.WhenAny(watching, stopping.Task) == watching) await watching;
        else await Task.Delay(Farewell);
    }
}
