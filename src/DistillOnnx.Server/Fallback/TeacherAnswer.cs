using DistillOnnx.V1;

namespace DistillOnnx.Server.Fallback;

/// <summary>What a teacher answered in the place of the student.</summary>
/// <param name="Student">The student's own answer.</param>
/// <param name="Label">The teacher's label.</param>
/// <param name="Rationale">The teacher's reasons; null: it gave none that can be used.</param>
internal sealed record TeacherAnswer(Prediction Student, string Label, string? Rationale);
