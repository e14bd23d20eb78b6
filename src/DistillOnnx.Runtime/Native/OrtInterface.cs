using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using DistillOnnx.Core;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Native;

/// <summary>
/// Those functions of ONNX Runtime's C interface that operators and threads of one's own need and that its .NET package does not offer. The
/// interface is a table of functions whose order never changes.
/// </summary>
internal static unsafe partial class OrtInterface
{
    /// <summary>The interface's version that has all of these functions; later runtimes have it too.</summary>
    public const uint Version = 17;

    private static readonly OrtApi* Functions = Load();

    /// <summary>Whether this ONNX Runtime has the interface.</summary>
    public static bool IsLoaded => Functions != null;

    private static nint Failure(string message)
    {
        const int invalidArgument = 2;
        var bytes = Marshal.StringToCoTaskMemUTF8(message);
        var status = ((delegate* unmanaged<int, nint, nint>)Functions->CreateStatus)(invalidArgument, bytes);
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
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions->CreateCustomOpDomain)(bytes, &domain));
        Marshal.FreeCoTaskMem(bytes);
        return domain;
    }

    public static void AddToDomain(nint domain, CustomOperator* operation) =>
        Check(((delegate* unmanaged<nint, CustomOperator*, nint>)Functions->CustomOpDomain_Add)(domain, operation));

    public static void AddDomain(nint sessionOptions, nint domain) =>
        Check(((delegate* unmanaged<nint, nint, nint>)Functions->AddCustomOpDomain)(sessionOptions, domain));

    public static long IntegerAttribute(nint kernelInfo, ReadOnlySpan<byte> name)
    {
        long value;
        fixed (byte* text = name)
            Check(((delegate* unmanaged<nint, byte*, long*, nint>)Functions->KernelInfoGetAttribute_int64)(kernelInfo, text, &value));
        return value;
    }

    public static float FloatAttribute(nint kernelInfo, ReadOnlySpan<byte> name)
    {
        float value;
        fixed (byte* text = name)
            Check(((delegate* unmanaged<nint, byte*, float*, nint>)Functions->KernelInfoGetAttribute_float)(kernelInfo, text, &value));
        return value;
    }

    /// <summary>An input of a running node.</summary>
    /// <param name="context">The node's run.</param>
    /// <param name="index">Which input.</param>
    public static OrtTensor Input(nint context, int index)
    {
        nint value;
        Check(((delegate* unmanaged<nint, nuint, nint*, nint>)Functions->KernelContext_GetInput)(context, (nuint)index, &value));
        var tensor = new OrtTensor { Data = Data(value) };
        nint shape;
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions->GetTensorTypeAndShape)(value, &shape));
        try
        {
            nuint count;
            Check(((delegate* unmanaged<nint, nuint*, nint>)Functions->GetDimensionsCount)(shape, &count));
            if (count > OrtTensor.MostDimensions)
                throw new InputException($"input {index}: expected at most {OrtTensor.MostDimensions} dimensions, found {count}");
            tensor.Rank = (int)count;
            Check(((delegate* unmanaged<nint, long*, nuint, nint>)Functions->GetDimensions)(shape, tensor.Dimensions, count));
            return tensor;
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)Functions->ReleaseTensorTypeAndShapeInfo)(shape);
        }
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
            Check(((delegate* unmanaged<nint, nuint, long*, nuint, nint*, nint>)Functions->KernelContext_GetOutput)(
                context, (nuint)index, shape, (nuint)dimensions.Length, &value));
        }

        return Data(value);
    }

    /// <summary>Runs a body several times on the session's threads.</summary>
    /// <param name="context">The node's run.</param>
    /// <param name="count">How often.</param>
    /// <param name="body">Receives a number from 0. What it throws is thrown again, once all are done.</param>
    public static void ParallelFor(nint context, int count, Action<int> body)
    {
        var parts = new Parts(body);
        var handle = GCHandle.Alloc(parts);
        try
        {
            delegate* unmanaged[Cdecl]<nint, nuint, void> part = &Part;
            Check(((delegate* unmanaged<nint, void*, nuint, nuint, nint, nint>)Functions->KernelContext_ParallelFor)(
                context, part, (nuint)count, 0, GCHandle.ToIntPtr(handle)));
        }
        finally
        {
            handle.Free();
        }

        if (parts.Fault is { } fault) ExceptionDispatchInfo.Throw(fault);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Part(nint handle, nuint number)
    {
        var parts = (Parts)GCHandle.FromIntPtr(handle).Target!;
        try
        {
            if (parts.Fault is null) parts.Body((int)number);
        }
        catch (Exception e)
        {
            // The frames between here and the caller are native: nothing may be thrown through them.
            parts.Fault ??= e;
        }
    }

    private sealed class Parts(Action<int> body)
    {
        public Action<int> Body => body;

        public volatile Exception? Fault;
    }

    /// <summary>Has a session start the threads of its pool, and wait for their ends, by functions of the caller's.</summary>
    /// <param name="sessionOptions">The session's options.</param>
    /// <param name="create">From <paramref name="state"/>, what the thread shall run and what that is given: starts it and gives a handle
    /// that is not 0.</param>
    /// <param name="join">Waits for the end of a handle's thread.</param>
    /// <param name="state">Given to <paramref name="create"/>.</param>
    public static void SetThreads(
        nint sessionOptions, delegate* unmanaged[Cdecl]<nint, nint, nint, nint> create, delegate* unmanaged[Cdecl]<nint, void> join,
        nint state)
    {
        Check(((delegate* unmanaged<nint, void*, nint>)Functions->SessionOptionsSetCustomCreateThreadFn)(sessionOptions, create));
        Check(((delegate* unmanaged<nint, nint, nint>)Functions->SessionOptionsSetCustomThreadCreationOptions)(sessionOptions, state));
        Check(((delegate* unmanaged<nint, void*, nint>)Functions->SessionOptionsSetCustomJoinThreadFn)(sessionOptions, join));
    }

    private static void* Data(nint value)
    {
        void* data;
        Check(((delegate* unmanaged<nint, void**, nint>)Functions->GetTensorMutableData)(value, &data));
        return data;
    }

    private static void Check(nint status)
    {
        if (status == 0) return;
        var message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Functions->GetErrorMessage)(status));
        ((delegate* unmanaged<nint, void>)Functions->ReleaseStatus)(status);
        throw new InputException(message ?? "ONNX Runtime names no reason");
    }

    private static OrtApi* Load()
    {
        try
        {
            // OrtApiBase: GetApi, GetVersionString. Another copy of the library than the package's would not know its objects.
            var api = OrtGetApiBase();
            var version = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)api[1])());
            return version == OrtEnv.Instance().GetVersionString() ? ((delegate* unmanaged<uint, OrtApi*>)api[0])(Version) : null;
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
