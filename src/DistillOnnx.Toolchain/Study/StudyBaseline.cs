namespace DistillOnnx.Toolchain.Study;

/// <summary>Accuracy of a student before training: that of its initial checkpoint.</summary>
/// <param name="Student">The student's name.</param>
/// <param name="Data">The dataset's name.</param>
/// <param name="Rows">Rows measured on.</param>
/// <param name="Accuracy">Accuracy on them, a fraction of one.</param>
public sealed record StudyBaseline(string Student, string Data, int Rows, double Accuracy);
