namespace DistillOnnx.Toolchain.Study;

/// <summary>A dataset of a study, for its report.</summary>
internal sealed record StudyData(string Name, string Task, int TrainRows, int ValidationRows, int MeasuredRows, string TrainHash);
