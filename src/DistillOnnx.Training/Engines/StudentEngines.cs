using DistillOnnx.Core;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Engines;

/// <summary>Picks the engine.</summary>
internal static class StudentEngines
{
    /// <summary>The fastest engine that can run a model.</summary>
    /// <param name="model">The student.</param>
    /// <param name="precision">In what numbers.</param>
    public static IStudentEngine Create(T5Model model, Precision precision)
    {
        if (precision == Precision.Bf16) throw new InputException("--precision bf16 is for GPUs");
        return UnpaddedEngine.Supports(model) ? new UnpaddedEngine(model) : new PaddedEngine(model);
    }
}
