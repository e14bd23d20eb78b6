using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>
/// Looks at the model folder again and again. Looking, rather than being notified, works on every file system that a
/// folder may be mounted from.
/// </summary>
internal sealed class ModelFolderWatcher(
    ServerOptions options, ModelLifecycle lifecycle, ModelCatalog catalog, TimeProvider time, ILogger<ModelFolderWatcher> logger)
    : BackgroundService
{
    private readonly ModelFolder? _folder = options.ModelFolder is { } folder
        ? new ModelFolder(Path.GetFullPath(folder), options.KeepVersions, lifecycle, catalog, logger)
        : null;

    /// <summary>The first look, before the server listens.</summary>
    public void Load(CancellationToken cancellationToken) => _folder?.Scan(settle: false, cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_folder is null || options.PollSeconds <= 0) return;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.PollSeconds), time);
        while (await NextLookAsync(timer, stoppingToken))
        {
            try
            {
                await Task.Run(() => _folder.Scan(settle: true, stoppingToken), stoppingToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.FolderUnreadable(e, options.ModelFolder!);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private static async Task<bool> NextLookAsync(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
