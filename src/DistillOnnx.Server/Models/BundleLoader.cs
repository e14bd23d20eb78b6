using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>Opens bundles with ONNX Runtime, and believes none before its files have their hashes and its golden rows, if it has any, their answers.</summary>
internal sealed class BundleLoader(ServerOptions options, ILogger<BundleLoader> logger) : IModelLoader
{
    /// <inheritdoc/>
    public LoadedModel Load(string directory, CancellationToken cancellationToken)
    {
        var predictor = BundlePredictor.Open(directory, RuntimeOptions());
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (File.Exists(Path.Combine(directory, GoldenFile.FileName))) GoldenCheck.Run(predictor, cancellationToken);
            else logger.NoGoldenRows(directory);
            return new LoadedModel(new BundleServedPredictor(predictor), predictor.Bundle.Manifest.Version);
        }
        catch
        {
            predictor.Dispose();
            throw;
        }
    }

    private RuntimeOptions RuntimeOptions() => new()
    {
        Device = options.Device,
        Precision = options.Precision,
        Threads = options.Threads,
        LowMemory = options.LowMemory,
        CudaMemoryLimit = options.CudaMemoryLimit,
        CudaArena = options.CudaArena,
        MaxBatchRows = options.BatchRows,
        MaxBatchTokens = options.BatchTokens,
        Spin = options.Spin,
        VerifyHashes = true,
    };
}
