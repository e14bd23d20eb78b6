using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Metrics;

namespace DistillOnnx.Training.Trainer;

/// <summary>What a run came to, whatever it taught.</summary>
/// <param name="Checkpoint">The checkpoint directory.</param>
/// <param name="BestStep">The step whose weights it holds.</param>
/// <param name="Best">The evaluation of these weights; null: there was none.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Seconds">Time spent, earlier parts of a resumed run included.</param>
/// <param name="TokensPerSecond">Source and target tokens a second of training, without padding and evaluations.</param>
internal sealed record RunOutcome(
    string Checkpoint, int BestStep, EvaluationRecord? Best, int Steps, double Seconds, double TokensPerSecond)
{
    /// <summary>The outcome of a run that ended in a state.</summary>
    /// <param name="checkpoint">The checkpoint directory.</param>
    /// <param name="state">Where the run stands.</param>
    public static RunOutcome Of(string checkpoint, TrainingState state) => new(
        checkpoint, state.BestStep, state.Best, state.Step, state.Seconds, state.StepSeconds > 0 ? state.Tokens / state.StepSeconds : 0);
}
