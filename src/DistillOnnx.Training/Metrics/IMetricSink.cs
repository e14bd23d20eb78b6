
namespace DistillOnnx.Training.Metrics;

/// <summary>Where figures of a run go while it runs.</summary>
internal interface IMetricSink : IDisposable
{
    /// <summary>Takes a figure.</summary>
    /// <param name="step">The step that it belongs to.</param>
    /// <param name="name">What it is, groups separated by slashes.</param>
    /// <param name="value">The figure.</param>
    void Add(int step, string name, double value);

    /// <summary>Takes the figures of an evaluation.</summary>
    /// <param name="record">The evaluation.</param>
    void Add(EvaluationRecord record)
    {
        if (record.ValidationLabelLoss is { } label) Add(record.Step, "validation/label_loss", label);
        if (record.ValidationRationaleLoss is { } rationale) Add(record.Step, "validation/rationale_loss", rationale);
        if (record.ValidationAccuracy is { } accuracy) Add(record.Step, "validation/accuracy", accuracy);
        if (record.ValidationMacroF1 is { } f1) Add(record.Step, "validation/macro_f1", f1);
        Add(record.Step, "train/tokens_per_second", record.TokensPerSecond);
    }
}
