using DistillOnnx.Core;
using DistillOnnx.Training.Engines.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Parallel;

/// <summary>
/// Processes that <c>mpirun -n N</c> started. Sums run over MPI's own transports: shared memory on one machine, the network between
/// several. Tensors on a GPU go through host memory.
/// </summary>
internal sealed class MpiWorkerGroup : IWorkerGroup
{
    /// <summary>Values of one call; MPI counts in 32 bits.</summary>
    private const int Piece = 1 << 28;

    private readonly OpenMpi _mpi;
    private bool _left;

    private MpiWorkerGroup(OpenMpi mpi)
    {
        _mpi = mpi;
        (Rank, Count) = (mpi.Rank(), mpi.Size());
    }

    public int Rank { get; }

    public int Count { get; }

    /// <summary>Joins the group that this process was started in.</summary>
    /// <exception cref="InputException">It was not started by <c>mpirun</c>, or there is no Open MPI.</exception>
    public static MpiWorkerGroup Join()
    {
        if (ParallelProcess.Number(ParallelProcess.RankVariable) is null)
            throw new InputException("--parallel mpi: this process is not one of a group; start it as mpirun -n PROCESSES distill train …");
        var mpi = OpenMpi.Load();
        mpi.Init();
        return new MpiWorkerGroup(mpi);
    }

    public unsafe void Sum(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
        {
            using var host = tensor.cpu();
            Sum(host);

            // What it returns is the tensor itself, which the caller goes on with.
            tensor.copy_(host);
            return;
        }

        var values = Pointers.Of(tensor);
        for (long from = 0, count = tensor.numel(); from < count; from += Piece)
            _mpi.Sum(values + from, (int)Math.Min(Piece, count - from));
    }

    public unsafe void Sum(Span<double> values)
    {
        fixed (double* first = values) _mpi.Sum(first, values.Length);
    }

    public void Leave()
    {
        if (_left) return;
        _left = true;
        _mpi.Finish();
    }

    /// <summary>
    /// MPI_Finalize would wait for the others, and they in their next sum for this process. They are ended when this process ends, which
    /// is when its caller has written the fault.
    /// </summary>
    public void Dispose()
    {
        if (_left) return;
        _left = true;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => _mpi.Abort(Environment.ExitCode is 0 ? 1 : Environment.ExitCode);
    }
}
