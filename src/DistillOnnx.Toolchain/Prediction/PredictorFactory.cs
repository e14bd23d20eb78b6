using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Runtime;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Opens whatever answers: a bundle on ONNX Runtime, a checkpoint in TorchSharp.</summary>
public static class PredictorFactory
{
    /// <summary>Whether a directory is a bundle.</summary>
    /// <param name="directory">The directory.</param>
    public static bool IsBundle(string directory) => Directory.Exists(Path.Combine(directory, "onnx"));

    /// <summary>Opens a checkpoint or a bundle.</summary>
    /// <param name="model">The directory.</param>
    /// <param name="device"><c>auto</c>, <c>cpu</c> or <c>cuda:N</c>.</param>
    /// <param name="threads">Threads within an operation; 0: one a core.</param>
    /// <param name="precision">Which of a bundle's precisions to run; checkpoints have fp32 only.</param>
    /// <param name="reporter">Told which device was chosen.</param>
    /// <param name="baseDirectory">The base of a checkpoint that is a LoRA adapter; null: the one that it names.</param>
    /// <exception cref="InputException">The directory is neither, or cannot be loaded.</exception>
    public static IPredictor Open(string model, string device, int threads, string precision, IReporter reporter, string? baseDirectory = null)
    {
        if (!Directory.Exists(model)) throw new InputException($"{model}: no such directory; expected a checkpoint or a bundle");
        if (IsBundle(model))
        {
            return baseDirectory is null
                ? OpenBundle(model, device, threads, precision)
                : throw new InputException($"{model}: --base is for adapters, and this is a bundle");
        }

        if (!File.Exists(Path.Combine(model, T5Config.FileName)) && !CheckpointPlace.Find(model, baseDirectory).IsAdapter)
            throw new InputException($"{model}: neither a checkpoint ({T5Config.FileName}) nor a bundle (onnx/)");
        if (precision is not ("auto" or "fp32")) throw new InputException($"{model}: a checkpoint is evaluated in fp32; \"{precision}\" goes with a bundle");
        return OpenCheckpoint(model, device, threads, reporter, baseDirectory);
    }

    // One method each, so that a bundle never makes the process load TorchSharp.
    private static BundlePredictor OpenBundle(string model, string device, int threads, string precision) =>
        BundlePredictor.Open(model, new RuntimeOptions { Device = device, Threads = threads, Lanes = RuntimeOptions.LanesFor(threads), Precision = precision });

    private static StudentPredictor OpenCheckpoint(string model, string device, int threads, IReporter reporter, string? baseDirectory)
    {
        if (threads > 0) LibTorch.Load(threads);
        return StudentPredictor.Open(model, device, reporter, baseDirectory);
    }
}
