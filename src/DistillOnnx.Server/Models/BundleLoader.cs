using DistillOnnx.Core.Bundles;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>
/// Opens bundles with ONNX Runtime. A bundle is accepted only where its files have the hashes of its manifest and its golden
/// rows, if it has any, get their recorded answers.
/// </summary>
internal sealed class BundleLoader(ServerOptions options, ILogger<BundleLoader> logger) : IModelLoader
{
    /// <inheritdoc/>
    public LoadedModel Load(string directory, CancellationToken cancellationToken)
    {
        // Hashing and loading read the same files and take about as long: side by side. Nothing is run before both are done.
        var hashes = Task.Run(() => BundleManifest.Load(directory).VerifyHashes(directory), CancellationToken.None);
        var predictor = Open(directory, hashes);
        try
        {
            hashes.GetAwaiter().GetResult();
            cancellationToken.ThrowIfCancellationRequested();
            if (File.Exists(Path.Combine(directory, GoldenFile.FileName))) GoldenCheck.Run(predictor, cancellationToken);
            else logger.NoGoldenRows(directory);
            foreach (var note in predictor.Bundle.Notes) logger.RunsOtherwise(note);
            return new LoadedModel(new BundleServedPredictor(predictor), predictor.Bundle.Manifest.Version);
        }
        catch
        {
            predictor.Dispose();
            throw;
        }
    }

    private BundlePredictor Open(string directory, Task hashes)
    {
        try
        {
            return BundlePredictor.Open(directory, RuntimeOptions());
        }
        catch
        {
            // Where a file is not what the manifest says, that error names the cause.
            hashes.GetAwaiter().GetResult();
            throw;
        }
    }

    private RuntimeOptions RuntimeOptions()
    {
        var onGpu = RuntimeDevice.Resolve(options.Inference.Device).Kind == DeviceKind.Cuda;
        var batches = BatchOptions.Of(ServerBatches.Limits(options), onGpu);
        return new RuntimeOptions
        {
            Device = options.Inference.Device,
            Precision = options.Inference.Precision,
            Threads = options.Inference.Threads,
            LowMemory = options.LowMemory,
            CudaMemoryLimit = options.CudaMemoryLimit,
            CudaArena = options.CudaArena,
            MaxBatchRows = batches.MaxRows,
            MaxBatchTokens = batches.MaxTokens,
            Spin = options.Spin,
            Lanes = batches.Lanes,
        };
    }
}
