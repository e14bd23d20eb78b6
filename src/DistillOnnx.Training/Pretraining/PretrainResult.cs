namespace DistillOnnx.Training.Pretraining;

/// <summary>What pretraining came to.</summary>
/// <param name="Checkpoint">The checkpoint directory.</param>
/// <param name="BestStep">The step whose weights it holds.</param>
/// <param name="ValidationLoss">Their loss on the held-out lines, in nats a token; null where there are none.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Seconds">Time spent, earlier parts of a resumed run included.</param>
/// <param name="TokensPerSecond">Source and target tokens a second of training, without padding and evaluations.</param>
public sealed record PretrainResult(
    string Checkpoint, int BestStep, double? ValidationLoss, int Steps, double Seconds, double TokensPerSecond);
