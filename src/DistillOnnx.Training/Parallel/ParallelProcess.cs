using System.Globalization;

namespace DistillOnnx.Training.Parallel;

/// <summary>What a process of a data-parallel run knows of its place before it joins the others.</summary>
public static class ParallelProcess
{
    /// <summary>Open MPI's variables, which <c>mpirun</c> sets for every process that it starts.</summary>
    internal const string RankVariable = "OMPI_COMM_WORLD_RANK";

    /// <summary>The same, counted on each machine.</summary>
    internal const string LocalRankVariable = "OMPI_COMM_WORLD_LOCAL_RANK";

    /// <summary>Whether this process prints results and draws curves: of a group, the first alone.</summary>
    /// <param name="kind">What joins the group.</param>
    public static bool IsReportingRank(ParallelKind kind) => kind == ParallelKind.None || Number(RankVariable) is null or 0;

    /// <summary>A variable's number; null where it is not set.</summary>
    internal static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : null;
}
