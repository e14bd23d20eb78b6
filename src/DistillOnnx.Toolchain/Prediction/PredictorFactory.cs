using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Runtime;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Opens a predictor: a bundle on ONNX Runtime, a checkpoint in TorchSharp.</summary>
internal static class PredictorFactory
{
    /// <summary>Whether a directory is a bundle.</summary>
    /// <param name="directory">The directory.</param>
    public static bool IsBundle(string directory) => Directory.Exists(Path.Combine(directory, "onnx"));

    /// <summary>Opens a checkpoint or a bundle.</summary>
    /// <param name="model">The directory.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="reporter">Receives the device that was chosen.</param>
    /// <param name="baseDirectory">The base of a checkpoint that is a LoRA adapter; null: the one that it names.</param>
    /// <exception cref="InputException">The directory is neither, or cannot be loaded.</exception>
    public static IPredictor Open(string model, InferenceOptions options, IReporter reporter, string? baseDirectory = null)
    {
        if (!Directory.Exists(model)) throw new InputException($"{model}: no such directory; expected a checkpoint or a bundle");
        if (IsBundle(model))
        {
            return baseDirectory is null
                ? OpenBundle(model, options, reporter)
                : throw new InputException($"{model}: --base is for adapters, and this is a bundle");
        }

        if (!File.Exists(Path.Combine(model, T5Config.FileName)) && !CheckpointPlace.Find(model, baseDirectory).IsAdapter)
            throw new InputException($"{model}: neither a checkpoint ({T5Config.FileName}) nor a bundle (onnx/)");
        if (options.Precision is not ("auto" or "fp32"))
            throw new InputException($"{model}: a checkpoint is evaluated in fp32; \"{options.Precision}\" needs a bundle");
        return OpenCheckpoint(model, options, reporter, baseDirectory);
    }

    /// <summary>The part of an opened model that writes rationales.</summary>
    /// <exception cref="InputException">It cannot write any.</exception>
    internal static IExplainer Explainer(IPredictor predictor)
    {
        IExplainer.RequireRationales(predictor.Task);
        return predictor as IExplainer ?? throw new InputException($"task \"{predictor.Task.Name}\": this model writes no rationales");
    }

    // One method each, so that a bundle never makes the process load TorchSharp.
    private static BundlePredictor OpenBundle(string model, InferenceOptions options, IReporter reporter)
    {
        var predictor = BundlePredictor.Open(model, new RuntimeOptions
        {
            Device = options.Device,
            Threads = options.Threads,
            Lanes = RuntimeOptions.LanesFor(options.Threads),
            Precision = options.Precision,
            VerifyHashes = true,
        });
        foreach (var note in predictor.Bundle.Notes) reporter.Info(note);
        return predictor;
    }

    private static StudentPredictor OpenCheckpoint(string model, InferenceOptions options, IReporter reporter, string? baseDirectory)
    {
        if (options.Threads > 0) LibTorch.Load(options.Threads);
        return StudentPredictor.Open(model, options.Device, reporter, baseDirectory);
    }
}
