namespace DistillOnnx.Toolchain.Study;

/// <summary>The smallest student that answers as well as the teacher: the paper's "smaller models" as a figure.</summary>
/// <param name="Data">The dataset's name.</param>
/// <param name="Method">The method.</param>
/// <param name="TeacherAccuracy">Share of the measured rows with a teacher's label on which it is right.</param>
/// <param name="Student">The student; null: none reaches that accuracy.</param>
/// <param name="Parameters">Its weights.</param>
/// <param name="TrainRows">The fewest rows with which it reaches it.</param>
/// <param name="Accuracy">Its mean accuracy over seeds with so many rows.</param>
public sealed record SmallestStudent(
    string Data, string Method, double TeacherAccuracy, string? Student, long? Parameters, int? TrainRows, double? Accuracy)
{
    /// <summary>Finds it for each dataset and method.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="teachers">The teacher's accuracy on each dataset that has its labels.</param>
    public static IReadOnlyList<SmallestStudent> Of(IReadOnlyList<StudyRun> runs, IReadOnlyDictionary<string, double> teachers)
    {
        var parameters = runs.GroupBy(r => r.Student).ToDictionary(g => g.Key, g => g.Max(r => r.Parameters));
        return
        [
            .. StudySummary.Of(runs).Where(s => teachers.ContainsKey(s.Data)).GroupBy(s => (s.Data, s.Method)).Select(g =>
            {
                var teacher = teachers[g.Key.Data];
                var best = g.Where(s => s.Accuracy >= teacher).OrderBy(s => parameters[s.Student]).ThenBy(s => s.TrainRows)
                    .FirstOrDefault();
                return new SmallestStudent(
                    g.Key.Data, g.Key.Method, teacher, best?.Student, best is null ? null : parameters[best.Student], best?.TrainRows,
                    best?.Accuracy);
            }),
        ];
    }
}
