using DistillOnnx.Core.Prediction;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DistillOnnx.Hosting;

/// <summary>Opens the bundle while the program starts, so that one that cannot be opened ends the start and no call waits for it.</summary>
internal sealed class ModelStart(IServiceProvider services) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) =>
        Task.Run(() => _ = services.GetRequiredService<IPredictor>(), cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
