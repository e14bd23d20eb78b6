using DistillOnnx.Core.Prediction;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>Sums up a student's rationales against those of the rows.</summary>
internal sealed class RationaleTally
{
    private const int ShownExamples = 10;

    private readonly List<RationaleExample> _examples = [];
    private int _rows;
    private int _compared;
    private int _empty;
    private double _rouge;
    private long _words;

    public void Add(Example row, LabelPrediction answer, string rationale)
    {
        _rows++;
        _words += rationale.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        if (rationale.Length == 0) _empty++;
        if (row.Rationale is not null)
        {
            _compared++;
            _rouge += RougeL.F1(rationale, row.Rationale);
        }

        if (_examples.Count < ShownExamples)
            _examples.Add(new RationaleExample(row.Id, row.Input, row.Label!, answer.Label, rationale, row.Rationale));
    }

    public RationaleFigures ToFigures() =>
        new(_compared, _compared == 0 ? null : _rouge / _compared, _empty, (double)_words / Math.Max(1, _rows), _examples);
}
