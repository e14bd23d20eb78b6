using System.Globalization;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Export;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Toolchain.Export;

/// <summary>
/// What a bundle goes through before it is put in place: parity of every graph with the checkpoint, accuracy of every
/// precision, calibration, golden rows. The figures go into the manifest; a bundle that fails is not written.
/// </summary>
internal sealed class BundleReview
{
    private const int GoldenRows = 16;
    private readonly BundleDraft _draft;
    private readonly ExportOptions _options;
    private readonly ValidationRows? _rows;
    private readonly IReporter _reporter;
    private readonly InputEncoder _encoder;

    public BundleReview(BundleDraft draft, ExportOptions options, ValidationRows? rows, IReporter reporter)
    {
        _draft = draft;
        _options = options;
        _rows = rows;
        _reporter = reporter;
        _encoder = new InputEncoder(T5Tokenizer.Load(draft.Directory), draft.Manifest.Task);
    }

    private TaskSpec Task => _draft.Manifest.Task;

    /// <summary>Reviews the bundle.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="QualityGateException">A graph differs from the checkpoint, or a precision loses too much accuracy.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        _rows?.RequireTask(Task);
        using var model = T5Model.Load(_draft.Checkpoint);
        model.eval();
        MeasureParity(model, cancellationToken);
        if (_rows is not null) MeasureAccuracy(_rows, model, cancellationToken);
        _draft.Manifest = _draft.Manifest with { AbstainBelow = _options.AbstainBelow };
        WriteGolden(model, cancellationToken);
    }

    private void MeasureParity(T5Model model, CancellationToken cancellationToken)
    {
        var trie = Task.Kind == TaskKind.Labels ? _encoder.BuildTrie(Task.Labels!) : null;
        var gate = new ParityGate(_draft.Directory, model, trie, Task.Kind == TaskKind.Choices, _options.Threads);
        foreach (var name in _draft.Manifest.Precisions)
        {
            var details = _draft.Manifest.PrecisionDetails[name];
            var errors = gate.Measure(name, details.Graphs, _reporter, cancellationToken);
            var (worst, error) = errors.MaxBy(e => e.Value);
            if (!double.IsFinite(error))
                throw new QualityGateException(
                    $"{_options.Model}: graph {worst} in precision {name} answers with values that are no numbers (NaN "
                    + $"or infinity); leave {name} out of --precision");
            if (name == BundleManifest.FullPrecision)
            {
                if (!(error <= _options.MaxRelativeError))
                {
                    throw new QualityGateException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{_options.Model}: graph {worst} differs from the checkpoint by {error:0.0e+0} relative, more "
                        + $"than --max-relative-error {_options.MaxRelativeError:0.0e+0}"));
                }

                _draft.Manifest = _draft.Manifest with
                {
                    Parity = new BundleParity { MaxRelativeError = error, Graphs = errors, Cases = gate.Cases },
                };
            }

            _reporter.Info(string.Create(
                CultureInfo.InvariantCulture,
                $"parity {name}: largest relative difference {error:0.0e+0} ({worst}) over {gate.Cases} batches"));
            Update(name, details with { MaxRelativeError = error });
        }
    }

    private void MeasureAccuracy(ValidationRows rows, T5Model model, CancellationToken cancellationToken)
    {
        IReadOnlyList<LabelPrediction>? full = null;
        foreach (var name in _draft.Manifest.Precisions)
        {
            using var predictor = BundlePredictor.Open(
                _draft.Directory, new RuntimeOptions { Device = "cpu", Precision = name, Threads = _options.Threads });
            var answers = rows.Answer(predictor, $"accuracy {name}", _reporter, cancellationToken);

            // A bundle without full precision is measured against the checkpoint itself.
            full ??= name == BundleManifest.FullPrecision
                ? answers
                : rows.Answer(new StudentPredictor(model, _encoder), "accuracy of the checkpoint", _reporter, cancellationToken);
            var (baseline, accuracy) = (rows.AccuracyOf(full), rows.AccuracyOf(answers));
            var lost = 100 * (baseline - accuracy);
            if (!(lost <= _options.MaxAccuracyLoss))
            {
                throw new QualityGateException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_options.Model}: precision {name} loses {lost:0.00} points of accuracy ({100 * accuracy:0.00} % "
                    + $"against {100 * baseline:0.00} % on {rows.Rows.Count} rows), more than --max-accuracy-loss "
                    + $"{_options.MaxAccuracyLoss}"));
            }

            _reporter.Info(string.Create(
                CultureInfo.InvariantCulture,
                $"accuracy {name}: {100 * accuracy:0.00} % on {rows.Rows.Count} rows ({-lost:+0.00;-0.00;0.00} points)"));
            Update(name, _draft.Manifest.PrecisionDetails[name] with { Accuracy = accuracy, AccuracyDelta = accuracy - baseline });
        }

        if (Task.Kind != TaskKind.Text) Calibrate(rows, full!);
    }

    private void Calibrate(ValidationRows rows, IReadOnlyList<LabelPrediction> answers)
    {
        var scores = new List<IReadOnlyList<double>>();
        var gold = new List<int>();
        for (var i = 0; i < answers.Count; i++)
        {
            var place = Place(Task.Labels ?? rows.Rows[i].Choices!, rows.Rows[i].Label!);
            if (place < 0) continue;
            scores.Add(answers[i].RawLogProbabilities!);
            gold.Add(place);
        }

        if (gold.Count == 0) return;
        var calibration = TemperatureFit.Fit(scores, gold);
        _reporter.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"calibration: temperature {calibration.Temperature:0.###}, expected calibration error "
            + $"{calibration.EceBefore:0.0000} before, {calibration.EceAfter:0.0000} after"));
        _draft.Manifest = _draft.Manifest with { Calibration = calibration };
    }

    /// <summary>Golden rows hold the checkpoint's own answers, so that a bundle cannot confirm its own mistakes.</summary>
    private void WriteGolden(T5Model model, CancellationToken cancellationToken)
    {
        var inputs = _rows is null ? MadeUpInputs() : [.. _rows.Inputs.DistinctBy(i => i.Text).Take(GoldenRows)];
        using var student = new StudentPredictor(model, _encoder);
        var answers = student.Predict(inputs, cancellationToken);
        var temperature = _draft.Manifest.Temperature;
        GoldenFile.Write(
            Path.Combine(_draft.Directory, GoldenFile.FileName),
            inputs.Zip(answers, (input, answer) => new GoldenRow
            {
                Input = input.Text,
                Choices = input.Choices,
                Label = answer.Label,
                Probabilities = answer.RawLogProbabilities is { } raw
                    ? [.. TemperatureFit.Scale(raw, temperature).Select(v => Math.Round(Math.Exp(v), 6))]
                    : null,
            }));
    }

    private PredictorInput[] MadeUpInputs()
    {
        string[] texts = [
            "a", "yes and no", "The quick brown fox jumps over the lazy dog.", "How many apples are left if 3 of 12 are eaten?"
        ];
        return [.. texts.Select(t => new PredictorInput(t, Task.Kind == TaskKind.Choices ? ["yes", "no", "three apples"] : null))];
    }

    private void Update(string precision, BundlePrecision details) =>
        _draft.Manifest = _draft.Manifest with
        {
            PrecisionDetails = _draft.Manifest.PrecisionDetails.ToDictionary(
                p => p.Key, p => p.Key == precision ? details : p.Value, StringComparer.Ordinal),
        };

    private static int Place(IReadOnlyList<string> labels, string label)
    {
        for (var i = 0; i < labels.Count; i++)
        {
            if (labels[i] == label) return i;
        }

        return -1;
    }
}
