using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>Sums up answers against gold labels.</summary>
/// <param name="task">The student's task: its probabilities come in the order of these labels.</param>
/// <param name="labels">The dataset's labels, the order of the confusion matrix; null where it has no one closed set.</param>
internal sealed class EvaluationTally(TaskSpec task, IReadOnlyList<string>? labels)
{
    private const int ShownErrors = 10;

    private readonly ConfusionMatrix? _matrix = labels is null ? null : new ConfusionMatrix(labels);
    private readonly List<EvaluationError> _errors = [];
    private readonly SortedDictionary<string, (int Rows, int Correct)> _labels = new(StringComparer.Ordinal);
    private readonly List<double> _probabilities = [];
    private readonly List<bool> _right = [];
    private RationaleTally? _rationales;
    private int _rows;
    private int _correct;
    private int _abstained;
    private int _truncated;
    private double _loss;

    /// <summary>Time for all answers, in seconds.</summary>
    public double Seconds { get; set; }

    public double Accuracy => _rows == 0 ? 0 : (double)_correct / _rows;

    public void Add(Example row, LabelPrediction answer, string? rationale)
    {
        var gold = row.Label ?? throw new InputException($"row {row.Id}: has no label to measure against");
        if (_matrix?.Add(gold, answer.Label) == false)
            throw new InputException($"row {row.Id}: \"label\": expected one of {string.Join(", ", labels!)}, found \"{gold}\"");
        var correct = Data.Metrics.Accuracy.IsCorrect(task.Metric, answer.Label, gold);
        if (rationale is not null) (_rationales ??= new RationaleTally()).Add(row, answer, rationale);
        _rows++;
        if (correct) _correct++;
        if (answer.Abstained) _abstained++;
        if (answer.Truncated) _truncated++;
        if (task.Kind == TaskKind.Labels)
        {
            var (rows, hits) = _labels.GetValueOrDefault(gold);
            _labels[gold] = (rows + 1, hits + (correct ? 1 : 0));
        }

        if (answer.Probability is not { } probability || answer.Probabilities is not { } probabilities) return;
        if (!correct)
            _errors.Add(new EvaluationError(
                row.Id, row.Input, gold, answer.Label, probability, row.TeacherLabel, row.Rationale, rationale));
        _probabilities.Add(probability);
        _right.Add(correct);
        var set = task.Kind == TaskKind.Choices ? row.Choices! : task.Labels!;
        var index = set.ToList().IndexOf(gold);
        // The smallest positive double keeps a certain mistake's loss finite.
        if (index >= 0) _loss -= Math.Log(Math.Max(probabilities[index], double.Epsilon));
    }

    /// <summary>The figures.</summary>
    /// <param name="intervals">Whether the bootstrap interval of macro F1 is drawn.</param>
    public EvaluateResult ToResult(bool intervals)
    {
        var closed = _probabilities.Count > 0;
        var reliability = closed ? Calibration.Bins(_probabilities, _right) : null;
        return new EvaluateResult
        {
            Rows = _rows,
            Accuracy = Accuracy,
            AccuracyInterval = WilsonInterval.Of(_correct, _rows),
            MacroF1 = _matrix?.MacroF1(),
            MacroF1Interval = _matrix is null || !intervals ? null : Bootstrap.OfMacroF1(_matrix),
            WeightedF1 = _matrix?.WeightedF1(),
            Loss = closed ? _loss / _rows : null,
            Ece = reliability is null ? null : Calibration.ExpectedCalibrationError(reliability),
            Reliability = reliability,
            RiskCoverage = closed ? Data.Metrics.RiskCoverage.Curve(_probabilities, _right) : null,
            Abstained = _abstained > 0 ? (double)_abstained / _rows : null,
            Truncated = (double)_truncated / _rows,
            Seconds = Seconds,
            LabelAccuracy = _labels.Count > 0
                ? _labels.ToDictionary(l => l.Key, l => (double)l.Value.Correct / l.Value.Rows, StringComparer.Ordinal)
                : null,
            // A stable order: equal probabilities stay in the order of the rows.
            Errors = closed ? [.. _errors.OrderByDescending(e => e.Probability).Take(ShownErrors)] : null,
            Classes = _matrix?.Classes().Zip(_matrix.Labels).ToDictionary(c => c.Second, c => c.First, StringComparer.Ordinal),
            Confusion = _matrix?.Counts,
            Rationales = _rationales?.ToFigures(),
            ConfusionUnlisted = _matrix?.Unlisted.Any(n => n > 0) == true ? _matrix.Unlisted : null,
        };
    }
}
