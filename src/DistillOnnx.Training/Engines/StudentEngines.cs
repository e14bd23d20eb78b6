using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>Picks the engine.</summary>
internal static class StudentEngines
{
    /// <summary>
    /// Weights of the largest student whose steps are recorded. A larger one keeps the device busy as it is, and recorded steps hold memory
    /// of their own.
    /// </summary>
    private const long MostRecorded = 400_000_000;

    /// <summary>Weights of a student with which rounded products gain enough to be spoken of.</summary>
    private const long LeastHinted = 5_000_000;

    /// <summary>The fastest engine that can run a model.</summary>
    /// <param name="model">The student.</param>
    /// <param name="precision">In what numbers.</param>
    /// <param name="tf32">Whether single-precision products on CUDA may run in TensorFloat-32.</param>
    /// <param name="recompute">Whether blocks are computed again in the backward pass, which the engine for the CPU does not do.</param>
    /// <param name="graphs">Whether steps on CUDA may run as recorded graphs.</param>
    /// <param name="reporter">Receives a warning where the choice is a poor one.</param>
    public static IStudentEngine Create(
        T5Model model, TrainingPrecision precision, bool tf32, bool recompute, bool graphs, IReporter reporter)
    {
        var cpu = model.Device.type == TorchSharp.DeviceType.CPU;
        if (precision == TrainingPrecision.Bf16) model.ComputeType = ScalarType.BFloat16;
        if (!cpu) backends.cuda.matmul.allow_tf32 = tf32;
        if (cpu && precision == TrainingPrecision.Bf16 && !Processor.MultipliesBFloat16)
            reporter.Warn("--precision bf16: this processor has no products in bfloat16 and takes several times as long as with fp32");
        if (cpu && precision == TrainingPrecision.Fp32 && Processor.MultipliesBFloat16 && model.FlatParameters.numel() >= LeastHinted)
            reporter.Info(
                "this processor multiplies in bfloat16 as well: --precision bf16 takes fewer seconds a step, with rounded products");
        return UnpaddedEngine.Supports(model) && !recompute ? new UnpaddedEngine(model) : Script(model, recompute, graphs, reporter);
    }

    /// <summary>The engine for every device, with what the model's device has.</summary>
    /// <param name="model">The student.</param>
    /// <param name="recompute">Whether blocks are computed again in the backward pass; nothing is recorded then.</param>
    /// <param name="graphs">Whether steps on CUDA may run as recorded graphs.</param>
    /// <param name="reporter">Receives a warning where something the device could gain by cannot be used.</param>
    public static ScriptEngine Script(T5Model model, bool recompute, bool graphs, IReporter reporter) => new(
        model, recompute: recompute, kernels: Kernels(model, reporter), record: graphs && !recompute && Records(model, reporter),
        reporter: reporter);

    /// <summary>Whether a step is to run as a recorded graph; where it would gain and cannot, that is said.</summary>
    private static bool Records(T5Model model, IReporter reporter)
    {
        if (model.Device.type == TorchSharp.DeviceType.CPU || model.FlatParameters.numel() > MostRecorded) return false;

        // Recording is on the thread's current device, which TorchSharp does not change.
        var why = model.Device.index > 0
            ? $"only on the first device that the process sees; CUDA_VISIBLE_DEVICES={model.Device.index} makes {model.Device} that"
            : CudaGraph.WhyNot();
        if (why is null) return true;
        reporter.Warn($"training steps are not recorded as CUDA graphs, which costs time with small students: {why}");
        return false;
    }

    /// <summary>The fused kernels on a device that has them; where they cannot be used, that is said.</summary>
    internal static KernelForm Kernels(T5Model model, IReporter reporter)
    {
        if (model.Device.type == TorchSharp.DeviceType.CPU) return KernelForm.Plain;
        if (FusedKernels.WhyNot(model.Device, model.ComputeType, model.Config.DKv) is not { } why) return KernelForm.Fused;
        reporter.Warn($"CUDA's fused kernels are not used, which costs memory and time: {why}");
        return KernelForm.Plain;
    }
}
