using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>Picks the engine.</summary>
internal static class StudentEngines
{
    /// <summary>The fastest engine that can run a model.</summary>
    /// <param name="model">The student.</param>
    /// <param name="precision">In what numbers.</param>
    /// <param name="reporter">Receives a warning where the choice is a poor one.</param>
    public static IStudentEngine Create(T5Model model, TrainingPrecision precision, IReporter reporter)
    {
        if (precision == TrainingPrecision.Bf16)
        {
            if (model.Device.type == TorchSharp.DeviceType.CPU)
                reporter.Warn("--precision bf16 on the CPU: processors without bfloat16 products take several times as long as with fp32");
            model.ComputeType = ScalarType.BFloat16;
            return new PaddedEngine(model);
        }

        return UnpaddedEngine.Supports(model) ? new UnpaddedEngine(model) : new PaddedEngine(model);
    }
}
