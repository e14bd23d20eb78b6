using System.Runtime.InteropServices;
using DistillOnnx.Core;

namespace DistillOnnx.Training.Parallel;

/// <summary>
/// The few functions of Open MPI's library that a sum over processes takes. Its handles (<c>MPI_COMM_WORLD</c> and the like) are
/// addresses of exported variables, so they are looked up at run time, as is the library itself: who does not train in parallel needs none.
/// </summary>
internal sealed unsafe class OpenMpi
{
    private const int Now = 2;
    private const int Global = 0x100;
    private static readonly string[] Names = ["libmpi.so.40", "libmpi.so"];

    private readonly IntPtr _library;
    private readonly delegate* unmanaged<IntPtr, void*, int, IntPtr, IntPtr, IntPtr, int> _allreduce;
    private readonly IntPtr _world;
    private readonly IntPtr _float;
    private readonly IntPtr _double;
    private readonly IntPtr _sum;

    private OpenMpi(IntPtr library)
    {
        _library = library;
        _world = Export("ompi_mpi_comm_world");
        _float = Export("ompi_mpi_float");
        _double = Export("ompi_mpi_double");
        _sum = Export("ompi_mpi_op_sum");
        _allreduce = (delegate* unmanaged<IntPtr, void*, int, IntPtr, IntPtr, IntPtr, int>)Export("MPI_Allreduce");
    }

    /// <summary>Loads the library.</summary>
    /// <exception cref="InputException">The system has none.</exception>
    public static OpenMpi Load()
    {
        foreach (var name in Names)
        {
            // Open MPI loads parts of its own, which look for its symbols among the process's global ones.
            if (OperatingSystem.IsLinux()) _ = Open(name, Now | Global);
            if (NativeLibrary.TryLoad(name, out var library)) return new OpenMpi(library);
        }

        throw new InputException($"--parallel mpi: found no Open MPI ({Names[0]}); on Debian it is the package openmpi-bin");
    }

    public void Init() => Require(((delegate* unmanaged<int*, byte***, int>)Export("MPI_Init"))(null, null), "MPI_Init");

    public void Finish() => ((delegate* unmanaged<int>)Export("MPI_Finalize"))();

    /// <summary>Ends all processes of the group, this one among them.</summary>
    /// <param name="code">The exit code.</param>
    public void Abort(int code) => ((delegate* unmanaged<IntPtr, int, int>)Export("MPI_Abort"))(_world, code);

    public int Rank() => Number("MPI_Comm_rank");

    public int Size() => Number("MPI_Comm_size");

    public void Sum(float* values, int count) => Require(Call(values, count, _float), "MPI_Allreduce");

    public void Sum(double* values, int count) => Require(Call(values, count, _double), "MPI_Allreduce");

    [DllImport("libc", EntryPoint = "dlopen", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern IntPtr Open(string name, int flags);

    private int Call(void* values, int count, IntPtr type) => _allreduce(InPlace, values, count, type, _sum, _world);

    /// <summary>What stands for the send buffer where the receive buffer holds the values already.</summary>
    private static IntPtr InPlace => 1;

    private int Number(string function)
    {
        int value;
        Require(((delegate* unmanaged<IntPtr, int*, int>)Export(function))(_world, &value), function);
        return value;
    }

    private IntPtr Export(string name) => NativeLibrary.TryGetExport(_library, name, out var address)
        ? address
        : throw new InputException($"--parallel mpi: the MPI library lacks {name}; expected Open MPI");

    private static void Require(int code, string function)
    {
        if (code != 0) throw new IOException($"{function} failed with code {code}");
    }
}
