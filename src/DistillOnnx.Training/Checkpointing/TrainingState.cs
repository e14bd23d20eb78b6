using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Metrics;

namespace DistillOnnx.Training.Checkpointing;

/// <summary>Where a run stands, beside its tensors: what a resumed run goes on from.</summary>
internal sealed record TrainingState
{
    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>The step at which the student was last evaluated; −1: never.</summary>
    public int EvaluatedAt { get; set; } = -1;

    /// <summary>The step whose weights the checkpoint holds.</summary>
    public int BestStep { get; set; }

    /// <summary>Position of the best evaluation in <see cref="History"/>; −1: none.</summary>
    public int BestEvaluation { get; set; } = -1;

    /// <summary>Evaluations since the best one.</summary>
    public int Stale { get; set; }

    /// <summary>Seconds spent, evaluations included.</summary>
    public double Seconds { get; set; }

    /// <summary>Seconds spent on steps.</summary>
    public double StepSeconds { get; set; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens { get; set; }

    /// <summary>Losses since the last evaluation.</summary>
    public StepLoss Window { get; set; }

    /// <summary>Tokens since the last evaluation.</summary>
    public long WindowTokens { get; set; }

    /// <summary>Seconds of steps since the last evaluation.</summary>
    public double WindowSeconds { get; set; }

    /// <summary>Norm of the last gradient.</summary>
    public double GradientNorm { get; set; }

    /// <summary>All evaluations.</summary>
    public List<EvaluationRecord> History { get; set; } = [];

    /// <summary>The best evaluation.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public EvaluationRecord? Best => BestEvaluation < 0 ? null : History[BestEvaluation];
}
