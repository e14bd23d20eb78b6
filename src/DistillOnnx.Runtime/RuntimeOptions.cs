using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime;

/// <summary>How a bundle is run. The defaults suit one process that has the machine to itself.</summary>
public sealed record RuntimeOptions
{
    private const int MostLanes = 8;

    /// <summary><c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Which of the bundle's precisions runs; <c>auto</c> is fp32 on the processor, and fp16 on a GPU where the bundle has it.
    /// </summary>
    public string Precision { get; init; } = "auto";

    /// <summary>Threads that one operator may use; 0: one for each core, in a container one for each of its share.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Batches of the label graph that may run side by side, each on its share of the threads, over one copy of the weights.
    /// Threads that work on one batch wait for one another at every operator; those on batches of their own do not, so many
    /// batches are done sooner and a single one later. On a processor, in fp32, int8 and q4.
    /// </summary>
    public int Lanes { get; init; } = 1;

    /// <summary>
    /// Whether threads of the pool spin while they wait for the next operator of a run; between runs they sleep either way.
    /// Off where another busy program shares the cores.
    /// </summary>
    public bool Spin { get; init; } = true;

    /// <summary>
    /// Whether label graphs run this project's kernels between their matrix products, on a processor: attention, and in eight bits all that
    /// quantises. Without them ONNX Runtime's own operators do the same in more passes over memory; probabilities differ by rounding.
    /// </summary>
    public bool Kernels { get; init; } = true;

    /// <summary>Which graphs answer a closed-set task.</summary>
    public GraphChoice Graph { get; init; } = GraphChoice.Auto;

    /// <summary>
    /// Most tokens, padding counted, that one run takes; longer batches are split by length. 0: <see cref="RunLimits.ForMany"/>, and
    /// <see cref="RunLimits.ForDecoding"/> where texts are decoded.
    /// </summary>
    public int MaxBatchTokens { get; init; }

    /// <summary>Most rows that one run takes. 0: likewise.</summary>
    public int MaxBatchRows { get; init; }

    /// <summary>
    /// Whether rows may share a run also in an older bundle's int8 graph. Its activations are scaled over the whole run, so that an
    /// answer depends, a little, on its neighbours. Graphs exported since scale each token, and their rows share runs in any case.
    /// </summary>
    public bool MixInt8Rows { get; init; }

    /// <summary>Most beams that are taken: each has keys and values of its own.</summary>
    public const int MaxBeams = 64;

    /// <summary>Beams of a text task's decoding; 1: greedy.</summary>
    public int Beams { get; init; } = 1;

    /// <summary>Overrides the manifest's threshold below which the predictor abstains; null: the manifest's.</summary>
    public double? AbstainBelow { get; init; }

    /// <summary>Whether every file is compared with the manifest's hash before it is used.</summary>
    public bool VerifyHashes { get; init; }

    /// <summary>
    /// Whether weights stay as they lie in the file instead of being copied into the layout that the kernels like best:
    /// less memory, most of all where several graphs read one weights file, for some speed.
    /// </summary>
    public bool LowMemory { get; init; }

    /// <summary>Most bytes that the CUDA arena may take; 0: no limit.</summary>
    public long CudaMemoryLimit { get; init; }

    /// <summary>How the CUDA arena grows.</summary>
    public CudaArenaStrategy CudaArena { get; init; } = CudaArenaStrategy.SameAsRequested;

    /// <summary>Whether fp32 matrix products may round their inputs to TF32 on a GPU. Off, so that fp32 means fp32.</summary>
    public bool CudaTf32 { get; init; }

    /// <summary>
    /// Whether a processor runs in the way of a GPU: label graphs in rounded shapes on memory that stays in place, tokens chosen in the
    /// graph. Costs padding and gains nothing there; it is how that way is tested where there is no GPU.
    /// </summary>
    internal bool BindRuns { get; init; }

    /// <summary>From which severity on ONNX Runtime writes its own messages to stderr.</summary>
    public OrtLogLevel OrtLog { get; init; } = OrtLogLevel.Error;

    /// <summary>
    /// Lanes that suit programs which always have more to do than one batch: one for each thread, up to where each would wait long for
    /// its batch.
    /// </summary>
    /// <param name="threads">Threads that may be used; 0: one for each core.</param>
    public static int LanesFor(int threads) => Math.Clamp(CpuThreads.Count(threads), 1, MostLanes);

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (!RuntimeDevice.IsWellFormed(Device)) faults.Add($"device must be auto, cpu or cuda:N, found \"{Device}\"");
        if (string.IsNullOrWhiteSpace(Precision)) faults.Add("precision is empty");
        if (Threads is < 0 or > 1024) faults.Add($"threads must be between 0 and 1024, found {Threads}");
        if (Lanes is < 1 or > 64) faults.Add($"lanes must be between 1 and 64, found {Lanes}");
        if (MaxBatchTokens < 0) faults.Add($"max-batch-tokens must not be negative, found {MaxBatchTokens}");
        if (MaxBatchRows < 0) faults.Add($"max-batch-rows must not be negative, found {MaxBatchRows}");
        if (Beams is < 1 or > MaxBeams) faults.Add($"beams must be between 1 and {MaxBeams}, found {Beams}");
        if (AbstainBelow is not (null or (>= 0 and <= 1))) faults.Add($"abstain-below must be between 0 and 1, found {AbstainBelow}");
        if (CudaMemoryLimit < 0) faults.Add($"cuda-memory-limit must not be negative, found {CudaMemoryLimit}");
        return faults;
    }
}
