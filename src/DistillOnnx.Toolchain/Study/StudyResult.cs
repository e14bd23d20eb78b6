namespace DistillOnnx.Toolchain.Study;

/// <summary>What a study came to.</summary>
/// <param name="Study">Its directory.</param>
/// <param name="Runs">All runs.</param>
/// <param name="Summary">Mean and spread over seeds.</param>
public sealed record StudyResult(string Study, IReadOnlyList<StudyRun> Runs, IReadOnlyList<StudySummary> Summary);
