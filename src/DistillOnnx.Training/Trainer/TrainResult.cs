namespace DistillOnnx.Training.Trainer;

/// <summary>What a training run came to.</summary>
/// <param name="Checkpoint">The checkpoint directory.</param>
/// <param name="BestStep">The step whose weights it holds.</param>
/// <param name="ValidationAccuracy">Their accuracy on the validation rows; null where there are none.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Seconds">Time spent, earlier parts of a resumed run included.</param>
/// <param name="TokensPerSecond">Source and target tokens a second of training, without padding and evaluations.</param>
/// <param name="ValidationMacroF1">Mean F1 of the classes on the validation rows; null where there are none, and where the task has
/// no one closed set of labels.</param>
public sealed record TrainResult(
    string Checkpoint,
    int BestStep,
    double? ValidationAccuracy,
    int Steps,
    double Seconds,
    double TokensPerSecond,
    double? ValidationMacroF1 = null);
