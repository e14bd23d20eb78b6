namespace DistillOnnx.Training.Metrics;

/// <summary>An evaluation of the student during training: one entry of <c>training.json</c>.</summary>
internal sealed record EvaluationRecord
{
    /// <summary>Steps done.</summary>
    public int Step { get; init; }

    /// <summary>Times that the training rows were seen.</summary>
    public double Epoch { get; init; }

    /// <summary>Seconds since the run began, earlier parts of a resumed run included.</summary>
    public double Seconds { get; init; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens { get; init; }

    /// <summary>Learning rate of the last step.</summary>
    public double LearningRate { get; init; }

    /// <summary>Label loss in training since the last evaluation, in nats a token.</summary>
    public double TrainLabelLoss { get; init; }

    /// <summary>Rationale loss in training since the last evaluation; null where none is learnt.</summary>
    public double? TrainRationaleLoss { get; init; }

    /// <summary>Norm of the last step's gradient, before clipping.</summary>
    public double GradientNorm { get; init; }

    /// <summary>Label loss on the validation rows; null where there are none.</summary>
    public double? ValidationLabelLoss { get; init; }

    /// <summary>Rationale loss on the validation rows; null where there are none.</summary>
    public double? ValidationRationaleLoss { get; init; }

    /// <summary>Accuracy on the validation rows by the task's metric; null where there are none.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>Mean F1 of the classes on the validation rows; null where the labels are no closed set.</summary>
    public double? ValidationMacroF1 { get; init; }

    /// <summary>Classes of the validation rows that were predicted for none of them; null where there are none such.</summary>
    public IReadOnlyList<string>? NeverPredicted { get; init; }

    /// <summary>Tokens a second of training since the last evaluation.</summary>
    public double TokensPerSecond { get; init; }
}
