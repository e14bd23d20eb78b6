using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>A method of the comparison.</summary>
/// <param name="Name">As the user wrote it.</param>
/// <param name="Method">What is taught.</param>
/// <param name="Labels">Whose labels.</param>
internal sealed record StudyMethod(string Name, TrainingMethod Method, LabelSource Labels)
{
    private const string Teacher = "+teacher";

    /// <summary>Whether rationales make a difference to it.</summary>
    public bool ReadsRationales => Method != TrainingMethod.Standard;

    /// <summary>Reads a method's name; null where there is none of this name.</summary>
    public static StudyMethod? Find(string name)
    {
        var labels = name.EndsWith(Teacher, StringComparison.Ordinal) ? LabelSource.Teacher : LabelSource.Gold;
        return (labels == LabelSource.Teacher ? name[..^Teacher.Length] : name) switch
        {
            "standard" => new StudyMethod(name, TrainingMethod.Standard, labels),
            "step-by-step" => new StudyMethod(name, TrainingMethod.StepByStep, labels),
            "single-task" => new StudyMethod(name, TrainingMethod.SingleTask, labels),
            _ => null,
        };
    }
}
