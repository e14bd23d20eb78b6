using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.Parallel;

/// <summary>Joins the processes of a run.</summary>
internal static class WorkerGroups
{
    /// <summary>Joins the group that the process was started in.</summary>
    /// <param name="kind">What joins it.</param>
    /// <param name="batchSize">Rows of a step, of which every process needs one.</param>
    /// <exception cref="InputException">There is no such group, or it has more processes than a step has rows.</exception>
    public static IWorkerGroup Join(ParallelKind kind, int batchSize)
    {
        if (kind == ParallelKind.None) return new SingleWorker();
        var group = MpiWorkerGroup.Join();
        if (batchSize >= group.Count) return group;
        group.Leave();
        throw new InputException($"--batch-size {batchSize}: {group.Count} processes need at least a row each");
    }

    /// <summary>The reporter of this process: of a group, only the first process reports.</summary>
    /// <param name="group">The group.</param>
    /// <param name="reporter">What a single process would report to.</param>
    public static IReporter ReporterOfRank(this IWorkerGroup group, IReporter reporter) => group.Rank == 0 ? reporter : Reporter.None;

    /// <summary>The place of this process among those of its group on its machine, from 0.</summary>
    /// <param name="group">The group.</param>
    public static int PlaceOnMachine(this IWorkerGroup group) =>
        group.Count > 1 ? ParallelProcess.Number(ParallelProcess.LocalRankVariable) ?? 0 : 0;
}
