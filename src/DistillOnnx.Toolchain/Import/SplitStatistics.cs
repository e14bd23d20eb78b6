using System.Text.Json;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Completions;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Counts the rows and labels of an imported split.</summary>
/// <param name="task">What the rows ask.</param>
internal sealed class SplitStatistics(TaskSpec task) : IDisposable
{
    private const int OpenLabelsListed = 10;

    private readonly LabelCounts _labels = new(task.Labels, OpenLabelsListed);
    private readonly SortedDictionary<string, long> _reasons = new(StringComparer.Ordinal);
    private long _rows, _withTeacher, _withGoldAndTeacher, _right, _unparsed, _unanswerable, _rationales;

    public void Add(ImportedRow row)
    {
        var example = row.Example;
        _rows++;
        if (example.Rationale is not null) _rationales++;
        if (example.Label is { } gold) _labels.Add(gold);
        if (!row.HasTeacher) return;

        _withTeacher++;
        if (example.Label is not null) _withGoldAndTeacher++;
        if (row.Fault != CompletionFault.None)
        {
            _unparsed++;
            var reason = JsonNamingPolicy.SnakeCaseLower.ConvertName(row.Fault.ToString());
            _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        }

        if (example.TeacherLabel is not { } answer) return;
        if (example.Label is not null && Accuracy.IsCorrect(task.Metric, answer, example.Label)) _right++;
        else if (example.Choices?.Contains(answer, StringComparer.Ordinal) == false) _unanswerable++;
        else if (task.Metric == TaskMetric.Equation && !Arithmetic.TryEvaluate(answer, out _)) _unanswerable++;
    }

    public ImportedSplit Result()
    {
        var teacher = _withTeacher > 0;
        return new ImportedSplit
        {
            Rows = _rows,
            TeacherAccuracy = _withGoldAndTeacher > 0 ? (double)_right / _withGoldAndTeacher : null,
            Unparsed = teacher ? _unparsed : null,
            UnparsedReasons = teacher ? _reasons : null,
            Unanswerable = teacher ? _unanswerable : null,
            Rationales = _rationales,
            Labels = _labels.Counts(),
            DistinctLabels = _labels.Distinct,
        };
    }

    public void Dispose() => _labels.Dispose();
}
