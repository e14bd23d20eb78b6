namespace DistillOnnx.Toolchain.Study;

/// <summary>What a study came to.</summary>
/// <param name="Study">Its directory.</param>
/// <param name="Runs">All runs.</param>
/// <param name="Summary">Mean and spread over seeds.</param>
/// <param name="Differences">Methods against the first one, paired by seed.</param>
/// <param name="Untrained">What students that begin from a checkpoint answer before any training.</param>
public sealed record StudyResult(
    string Study, IReadOnlyList<StudyRun> Runs, IReadOnlyList<StudySummary> Summary, IReadOnlyList<StudyDifference> Differences, IReadOnlyList<StudyBaseline> Untrained);
