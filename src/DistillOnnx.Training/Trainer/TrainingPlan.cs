using DistillOnnx.Training.Schedules;

namespace DistillOnnx.Training.Trainer;

/// <summary>What the loop needs to know, whatever is being taught.</summary>
/// <param name="Stage">What progress is reported as, for instance <c>train</c>.</param>
/// <param name="Schedule">Learning rates and the number of steps.</param>
/// <param name="StepsPerEpoch">Steps that see every row once; null where there is no such thing.</param>
/// <param name="Alpha">Weight of the label loss; the rationale loss has the rest.</param>
/// <param name="MicroBatchTokens">Most tokens that go through the model at once.</param>
/// <param name="ClipNorm">Largest norm of the gradient; 0: any.</param>
/// <param name="EvaluateEvery">Steps between evaluations.</param>
/// <param name="SaveEvery">Steps between saves; null: at evaluations.</param>
/// <param name="Patience">Evaluations without a gain after which training stops; 0: never.</param>
/// <param name="Seed">Seed of dropout.</param>
internal sealed record TrainingPlan(
    string Stage, Schedule Schedule, int? StepsPerEpoch, AlphaSchedule Alpha, int MicroBatchTokens, double ClipNorm,
    int EvaluateEvery, int? SaveEvery, int Patience, long Seed);
