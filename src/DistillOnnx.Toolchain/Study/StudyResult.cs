using System.Globalization;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Study;

/// <summary>What a study came to.</summary>
/// <param name="Study">Its directory.</param>
/// <param name="Runs">All runs that are made; of a generated dataset, one more for each depth.</param>
/// <param name="Summary">Mean and spread over seeds.</param>
/// <param name="Differences">Methods against the first one, paired by seed.</param>
/// <param name="RowsRatio">Rows that methods need over those that the first one needs, per accuracy.</param>
/// <param name="SmallestStudents">For datasets with a teacher's labels on the measured rows, the smallest student that is as good.</param>
/// <param name="Untrained">What students that begin from a checkpoint answer before any training.</param>
/// <param name="Tokenizer">The tokenizer that students from scratch share; null where there are none, or the options name one.</param>
public sealed record StudyResult(
    string Study,
    IReadOnlyList<StudyRun> Runs,
    IReadOnlyList<StudySummary> Summary,
    IReadOnlyList<StudyDifference> Differences,
    IReadOnlyDictionary<string, IReadOnlyList<StudyRatio>> RowsRatio,
    IReadOnlyList<SmallestStudent> SmallestStudents,
    IReadOnlyList<StudyBaseline> Untrained,
    string? Tokenizer)
{
    /// <summary>Runs that are made.</summary>
    public required int RunsMade { get; init; }

    /// <summary>Runs that the study has in all.</summary>
    public required int RunsPlanned { get; init; }

    /// <summary>Mean accuracy and its deviation, in per cent, as lines for a person: a row a method and dataset, a
    /// column a share of the rows.</summary>
    public IReadOnlyList<string> TableLines()
    {
        double[] shares = [.. Summary.Select(s => s.Fraction).Distinct().Order()];
        List<string[]> cells = [
            ["student", "method", "data", .. shares.Select(s => string.Create(CultureInfo.InvariantCulture, $"{100 * s:0.##} %"))]
        ];
        foreach (var line in Summary.GroupBy(s => (s.Student, s.Method, s.Data)))
        {
            var figures = shares.Select(share => line.FirstOrDefault(s => s.Fraction == share) is { } s
                ? s.Text
                : "");
            cells.Add([line.Key.Student, line.Key.Method, line.Key.Data, .. figures]);
        }

        return TextTable.Lines(cells, leftColumns: 3);
    }
}
