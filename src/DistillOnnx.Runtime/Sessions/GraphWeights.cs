using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Runtime.Kernels;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// The weights of a graph on the processor, read once for any number of sessions. Second operands of matrix products every
/// kernel copies into the layout that it likes best; the sessions share these copies, and the values read from the file can
/// be given back. Everything else is kept here. Nothing refers to the file any more, which may be replaced.
/// </summary>
internal sealed unsafe class GraphWeights : IDisposable
{
    // What kernels may ask of memory: a cache line.
    private const int Alignment = 64;

    private readonly string _path;
    private readonly int _length;
    private readonly PrePackedWeightsContainer _packed = new();
    private readonly List<(string Name, OrtValue Value)> _values = [];
    private readonly List<nint> _kept = [];
    private byte[] _model = [];
    private byte[] _plain = [];
    private byte* _file;

    private GraphWeights(string path, int length)
    {
        _path = path;
        _length = length;
        _file = (byte*)NativeMemory.Alloc((nuint)length);
    }

    /// <summary>Whether values that were copied are still held as they were read.</summary>
    public bool HoldsCopied => _file is not null;

    /// <summary>Whether the graph has functions that this project's kernels run.</summary>
    public bool UsesKernels { get; private set; }

    /// <summary>
    /// Reads a graph file. Null where nothing is to be gained, or where the file is better left to ONNX Runtime: one that is
    /// damaged, has its weights in another file, or has weights of 16 bits, which a processor widens for each session.
    /// </summary>
    /// <param name="path">The graph file.</param>
    /// <param name="asTheyLie">Whether kernels read the weights as they are instead of copying them.</param>
    /// <param name="kernels">Whether the functions of graphs in eight bits are run by this project's kernels.</param>
    public static GraphWeights? TryRead(string path, bool asTheyLie, bool kernels = false)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length is 0 or > int.MaxValue) return null;
        var weights = new GraphWeights(path, (int)file.Length);
        try
        {
            if (weights.TryFill() && weights.TryAdopt(asTheyLie, kernels)) return weights;
        }
        catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException or OnnxRuntimeException)
        {
            // ONNX Runtime will find the same fault, and names it in its own words.
        }

        weights.Dispose();
        return null;
    }

    /// <summary>Makes a session of the graph.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="pool">The threads that the options have it start; null: its own.</param>
    public InferenceSession Open(SessionOptions options, PoolThreads? pool = null)
    {
        options.AddSessionConfigEntry(
            "session.model_external_initializers_file_folder_path", Path.GetDirectoryName(Path.GetFullPath(_path))!);
        foreach (var (name, value) in _values) options.AddInitializer(name, value);
        if (UsesKernels) KernelOperators.AddTo(options);
        return pool is null ? new InferenceSession(_model, options, _packed) : new PooledSession(_model, options, _packed, pool);
    }

    /// <summary>Leaves the graph as it stands in the file, which ONNX Runtime runs whatever it is that the kernels cannot take.</summary>
    public void LeaveKernelsOut() => (UsesKernels, _model) = (false, _plain);

    /// <summary>Overwrites the values that were copied with what no right answer can come from.</summary>
    public void OverwriteCopied() => File.Fill(0xFF);

    /// <summary>Gives back their memory.</summary>
    public void ReleaseCopied()
    {
        NativeMemory.Free(_file);
        _file = null;
    }

    /// <summary>Reads them again.</summary>
    /// <exception cref="InputException">The file has changed.</exception>
    public void RestoreCopied()
    {
        if (!TryFill()) throw new InputException($"{_path}: changed while it was loaded");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, value) in _values) value.Dispose();
        foreach (var memory in _kept) NativeMemory.AlignedFree((void*)memory);
        _values.Clear();
        _kept.Clear();
        _packed.Dispose();
        ReleaseCopied();
    }

    private Span<byte> File => new(_file, _length);

    private bool TryFill()
    {
        using var file = System.IO.File.OpenHandle(_path);
        for (var read = 0; read < _length;)
        {
            var count = RandomAccess.Read(file, File[read..], read);
            if (count == 0) return false;
            read += count;
        }

        return true;
    }

    private bool TryAdopt(bool asTheyLie, bool kernels)
    {
        var outline = GraphOutline.Read(File, _path, kernels);
        if (outline.HasOtherFiles || outline.Constants.Count == 0 || outline.Constants.Any(c => c.Type == TensorElementType.Float16))
            return false;
        _model = outline.Model;
        UsesKernels = outline.NeedsKernels;
        if (UsesKernels) _plain = GraphOutline.Read(File, _path).Model;
        foreach (var constant in outline.Constants)
        {
            var memory = constant.IsMultiplier && !asTheyLie ? (nint)(_file + constant.Offset) : Keep(constant);
            _values.Add((
                constant.Name,
                OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, constant.Type, constant.Shape, memory, constant.Length)));
        }

        if (asTheyLie || !outline.Constants.Any(c => c.IsMultiplier)) ReleaseCopied();
        return true;
    }

    private nint Keep(GraphConstant constant)
    {
        var memory = NativeMemory.AlignedAlloc((nuint)constant.Length, Alignment);
        _kept.Add((nint)memory);
        File.Slice(constant.Offset, constant.Length).CopyTo(new Span<byte>(memory, constant.Length));
        return (nint)memory;
    }
}
