using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Kernels;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// Turns graph files into sessions that all run alike. A session may be run from several threads at once; those of one
/// graph that use different numbers of threads share its weights.
/// </summary>
internal sealed class SessionFactory
{
    private readonly RuntimeOptions _options;

    public SessionFactory(RuntimeOptions options)
    {
        _options = options;
        Device = RuntimeDevice.Resolve(options.Device);
        Threads = CpuThreads.Of(options.Threads);
    }

    /// <summary>Where the sessions run.</summary>
    public RuntimeDevice Device { get; }

    /// <summary>Threads of a session that has the device to itself; 0: ONNX Runtime's choice.</summary>
    public int Threads { get; }

    /// <summary>
    /// Whether runs of fixed shapes are bound to memory that stays in place, and tokens are chosen in the graph: what a GPU wants.
    /// </summary>
    public bool BindsRuns => Device.Kind == DeviceKind.Cuda || _options.BindRuns;

    /// <summary>Reads a graph's weights for several sessions. Null: each session reads its own.</summary>
    public GraphWeights? Share(string path) => Device.Kind == DeviceKind.Cpu
        ? GraphWeights.TryRead(path, _options.LowMemory, _options.Kernels && KernelOperators.AreAvailable)
        : null;

    /// <summary>Runs that may go side by side; 1: there are no lanes.</summary>
    public int Lanes => _options.Lanes;

    /// <summary>Threads of each lane.</summary>
    public int LaneThreads => Math.Max(1, CpuThreads.Count(Threads) / Lanes);

    /// <summary>Loads a graph.</summary>
    /// <param name="path">The graph file; weights that it keeps outside itself lie beside it.</param>
    /// <param name="threads">Threads of an operator; 0: ONNX Runtime's choice.</param>
    /// <param name="weights">The graph's weights; null: they are read with it.</param>
    /// <param name="addition">Fields of a model that are added to the file's; null: none.</param>
    /// <param name="records">Whether the session records the kernels of its runs.</param>
    /// <exception cref="InputException">The file is missing or is not a graph that ONNX Runtime can run.</exception>
    public InferenceSession Create(string path, int threads, GraphWeights? weights = null, byte[]? addition = null, bool records = false)
    {
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; the bundle is incomplete");
        try
        {
            if (weights is not { UsesKernels: true }) return Open(path, threads, weights, addition, records);
            try
            {
                return Open(path, threads, weights, addition, records);
            }
            catch (Exception e) when (e is OnnxRuntimeException or InputException)
            {
                weights.LeaveKernelsOut();
                return Open(path, threads, weights, addition, records);
            }
        }
        catch (IOException e)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{path}: ONNX Runtime cannot load this graph: {OneLine(e.Message)}", e);
        }
    }

    private InferenceSession Open(string path, int threads, GraphWeights? weights, byte[]? addition, bool records)
    {
        using var options = Options(threads, records);
        if (addition is not null) return Extended(path, addition, options);
        var pool = Device.Kind == DeviceKind.Cpu ? PoolThreads.Attach(options, CpuThreads.Count(threads)) : null;
        try
        {
            if (weights is not null) return weights.Open(options, pool);
            return pool is null ? new InferenceSession(path, options) : new PooledSession(path, options, pool);
        }
        catch
        {
            pool?.Dispose();
            throw;
        }
    }

    /// <summary>Loads a graph that is no file.</summary>
    /// <param name="model">The model.</param>
    public InferenceSession Create(byte[] model)
    {
        using var options = Options(Threads, records: false);
        return new InferenceSession(model, options);
    }

    /// <summary>Protobuf reads a message that comes in parts as one whose lists go on: nodes and inputs are added by appending.</summary>
    private static InferenceSession Extended(string path, byte[] addition, SessionOptions options)
    {
        var model = new byte[checked((int)new FileInfo(path).Length + addition.Length)];
        using (var file = File.OpenRead(path)) file.ReadExactly(model.AsSpan(0, model.Length - addition.Length));
        addition.CopyTo(model, model.Length - addition.Length);
        options.AddSessionConfigEntry(
            "session.model_external_initializers_file_folder_path", Path.GetDirectoryName(Path.GetFullPath(path))!);
        return new InferenceSession(model, options);
    }

    private SessionOptions Options(int threads, bool records)
    {
        var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            LogSeverityLevel = (OrtLoggingLevel)(int)_options.OrtLog,

            // A plan of memory is made by a shape's first run; the second one, which is recorded, would then allocate anew, and nothing may
            // be allocated while kernels are recorded.
            EnableMemoryPattern = !records,
        };
        try
        {
            options.AddSessionConfigEntry("session.intra_op.allow_spinning", _options.Spin ? "1" : "0");

            // Within a run the next operator comes soon, so waiting for it by spinning pays; after a run it may be long.
            if (_options.Spin) options.AddSessionConfigEntry("session.force_spinning_stop", "1");
            if (_options.LowMemory) options.AddSessionConfigEntry("session.disable_prepacking", "1");
            if (Device.Kind == DeviceKind.Cuda) AppendCuda(options, records);
            return options;
        }
        catch
        {
            options.Dispose();
            throw;
        }
    }

    private void AppendCuda(SessionOptions options, bool records)
    {
        CudaLibraries.Load();
        using var cuda = new OrtCUDAProviderOptions();
        try
        {
            cuda.UpdateOptions(CudaOptions(records));
            options.AppendExecutionProvider_CUDA(cuda);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"device \"{Device}\": CUDA cannot be used here: {OneLine(e.Message)}", e);
        }
    }

    internal Dictionary<string, string> CudaOptions(bool records = false)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["device_id"] = Device.Index.ToString(CultureInfo.InvariantCulture),
            ["arena_extend_strategy"] = _options.CudaArena == CudaArenaStrategy.SameAsRequested ? "kSameAsRequested" : "kNextPowerOfTwo",
            ["use_tf32"] = _options.CudaTf32 ? "1" : "0",
            ["do_copy_in_default_stream"] = "1",
        };
        if (records) values["enable_cuda_graph"] = "1";
        if (_options.CudaMemoryLimit > 0) values["gpu_mem_limit"] = _options.CudaMemoryLimit.ToString(CultureInfo.InvariantCulture);
        return values;
    }

    private static string OneLine(string message)
    {
        message = message.ReplaceLineEndings(" ").Trim();
        return message.Length <= 300 ? message : message[..300] + "…";
    }
}
