namespace DistillOnnx.Training.Parallel;

/// <summary>What joins the processes of a data-parallel run.</summary>
public enum ParallelKind
{
    /// <summary>One process.</summary>
    None,

    /// <summary>The processes that <c>mpirun</c> started (Open MPI).</summary>
    Mpi,
}
