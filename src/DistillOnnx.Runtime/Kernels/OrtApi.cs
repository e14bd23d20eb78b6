using System.Runtime.InteropServices;
using DistillOnnx.Core;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// Those functions of ONNX Runtime's C interface that operators of one's own need and its .NET package does not have. The interface is a
/// table of functions whose order never changes; the numbers are places in it.
/// </summary>
internal static unsafe partial class OrtApi
{
    /// <summary>The interface's version that has all of these functions; later runtimes have it too.</summary>
    public const uint Version = 17;

    private const int CreateStatusPlace = 0, GetErrorMessagePlace = 2, CreateDomainPlace = 26, AddToDomainPlace = 27, AddDomainPlace = 28,
        DataPlace = 51, DimensionCountPlace = 61, DimensionsPlace = 62, ShapePlace = 65, IntegerAttributePlace = 86,
        FloatAttributePlace = 85, InputPlace = 90, OutputPlace = 91, ReleaseStatusPlace = 93, ReleaseShapePlace = 99,
        ReleaseDomainPlace = 101, ParallelForPlace = 274;

    private static readonly nint* Functions = Load();

    /// <summary>Whether this ONNX Runtime has the interface.</summary>
    public static bool IsLoaded => Functions != null;

    private static nint Failure(string message)
    {
        const int invalidArgument = 2;
        var bytes = Marshal.StringToCoTaskMemUTF8(message);
        var status = ((delegate* unmanaged<int, nint, nint>)Functions[CreateStatusPlace])(invalidArgument, bytes);
        Marshal.FreeCoTaskMem(bytes);
        return status;
    }

    /// <summary>Runs a body that may throw. An exception must not cross into native code, which would end the process.</summary>
    /// <param name="body">The work.</param>
    /// <returns>A status: 0, or what went wrong.</returns>
    public static nint Guard(Action body)
    {
        try
        {
            body();
            return 0;
        }
        catch (Exception e)
        {
            return Failure(e.Message);
        }
    }

    public static nint CreateDomain(string name)
    {
        nint domain = 0;
        var bytes = Marshal.StringToCoTaskMemUTF8(name);
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions[CreateDomainPlace])(bytes, &domain));
        Marshal.FreeCoTaskMem(bytes);
        return domain;
    }

    public static void AddToDomain(nint domain, CustomOperator* operation) =>
        Check(((delegate* unmanaged<nint, CustomOperator*, nint>)Functions[AddToDomainPlace])(domain, operation));

    public static void AddDomain(nint sessionOptions, nint domain) =>
        Check(((delegate* unmanaged<nint, nint, nint>)Functions[AddDomainPlace])(sessionOptions, domain));

    public static long IntegerAttribute(nint kernelInfo, ReadOnlySpan<byte> name)
    {
        long value;
        fixed (byte* text = name)
            Check(((delegate* unmanaged<nint, byte*, long*, nint>)Functions[IntegerAttributePlace])(kernelInfo, text, &value));
        return value;
    }

    public static float FloatAttribute(nint kernelInfo, ReadOnlySpan<byte> name)
    {
        float value;
        fixed (byte* text = name)
            Check(((delegate* unmanaged<nint, byte*, float*, nint>)Functions[FloatAttributePlace])(kernelInfo, text, &value));
        return value;
    }

    /// <summary>An input of a running node.</summary>
    /// <param name="context">The node's run.</param>
    /// <param name="index">Which input.</param>
    public static OrtTensor Input(nint context, int index)
    {
        nint value;
        Check(((delegate* unmanaged<nint, nuint, nint*, nint>)Functions[InputPlace])(context, (nuint)index, &value));
        var tensor = new OrtTensor { Data = Data(value) };
        nint shape;
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions[ShapePlace])(value, &shape));
        nuint count;
        Check(((delegate* unmanaged<nint, nuint*, nint>)Functions[DimensionCountPlace])(shape, &count));
        if (count > OrtTensor.MostDimensions)
            throw new InputException($"input {index}: expected at most {OrtTensor.MostDimensions} dimensions, found {count}");
        tensor.Rank = (int)count;
        Check(((delegate* unmanaged<nint, long*, nuint, nint>)Functions[DimensionsPlace])(shape, tensor.Dimensions, count));
        ((delegate* unmanaged<nint, void>)Functions[ReleaseShapePlace])(shape);
        return tensor;
    }

    /// <summary>Makes an output of a running node; returns its memory.</summary>
    /// <param name="context">The node's run.</param>
    /// <param name="index">Which output.</param>
    /// <param name="dimensions">Its shape.</param>
    public static void* Output(nint context, int index, ReadOnlySpan<long> dimensions)
    {
        nint value;
        fixed (long* shape = dimensions)
        {
            Check(((delegate* unmanaged<nint, nuint, long*, nuint, nint*, nint>)Functions[OutputPlace])(
                context, (nuint)index, shape, (nuint)dimensions.Length, &value));
        }

        return Data(value);
    }

    /// <summary>Runs a body several times on the session's threads.</summary>
    /// <param name="context">The node's run.</param>
    /// <param name="count">How often.</param>
    /// <param name="body">Receives a number from 0. It must not throw.</param>
    public static void ParallelFor(nint context, int count, Action<int> body)
    {
        var handle = GCHandle.Alloc(body);
        try
        {
            delegate* unmanaged<nint, nuint, void> part = &Part;
            Check(((delegate* unmanaged<nint, void*, nuint, nuint, nint, nint>)Functions[ParallelForPlace])(
                context, part, (nuint)count, 0, GCHandle.ToIntPtr(handle)));
        }
        finally
        {
            handle.Free();
        }
    }

    [UnmanagedCallersOnly]
    private static void Part(nint body, nuint number) => ((Action<int>)GCHandle.FromIntPtr(body).Target!)((int)number);

    private static void* Data(nint value)
    {
        void* data;
        Check(((delegate* unmanaged<nint, void**, nint>)Functions[DataPlace])(value, &data));
        return data;
    }

    private static void Check(nint status)
    {
        if (status == 0) return;
        var message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Functions[GetErrorMessagePlace])(status));
        ((delegate* unmanaged<nint, void>)Functions[ReleaseStatusPlace])(status);
        throw new InputException(message ?? "ONNX Runtime names no reason");
    }

    private static nint* Load()
    {
        try
        {
            // OrtApiBase: GetApi, GetVersionString.
            var get = (delegate* unmanaged<uint, nint*>)(*OrtGetApiBase());
            return get(Version);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            // Where the library is linked otherwise, sessions still work.
            return null;
        }
    }

    [LibraryImport("onnxruntime")]
    private static partial nint* OrtGetApiBase();
}
