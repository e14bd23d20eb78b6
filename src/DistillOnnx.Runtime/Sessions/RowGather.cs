using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>Reorders the rows of tensors where they lie: a graph of its own, for tensors that must not cross to the processor.</summary>
internal sealed class RowGather : IDisposable
{
    private const string Sources = "sources";
    private readonly InferenceSession _session;
    private readonly OrtMemoryInfo _memory;
    private readonly string[] _inputs;
    private readonly string[] _outputs;

    /// <param name="factory">Loads sessions.</param>
    /// <param name="memory">Where the tensors lie and the results are made.</param>
    /// <param name="type">Element type of the tensors.</param>
    /// <param name="count">How many tensors are reordered at a time.</param>
    public RowGather(SessionFactory factory, OrtMemoryInfo memory, TensorElementType type, int count)
    {
        _memory = memory;
        _inputs = [.. Enumerable.Range(0, count).Select(i => $"rows.{i}")];
        _outputs = [.. Enumerable.Range(0, count).Select(i => $"gathered.{i}")];
        var graph = new GraphFields().Input(Sources, TensorElementType.Int64, "gathered_rows");
        for (var i = 0; i < count; i++)
        {
            graph.Input(_inputs[i], type, null).Node("Gather", [_inputs[i], Sources], [_outputs[i]], ("axis", 0))
                .Output(_outputs[i], type, null);
        }

        _session = factory.Create(graph.ToModel("row_gather"));
    }

    /// <summary>Makes tensors whose row i is row <paramref name="sources"/>[i] of the given ones.</summary>
    /// <param name="run">Options of the run.</param>
    /// <param name="tensors">As many as were announced; they stay the caller's.</param>
    /// <param name="sources">For each row of the results, the row it is taken from.</param>
    public OrtValue[] Gather(GraphRun run, IReadOnlyList<OrtValue> tensors, ReadOnlySpan<int> sources)
    {
        using var indices = new PooledTensor<long>(sources.Length);
        for (var i = 0; i < sources.Length; i++) indices.Span[i] = sources[i];
        using var binding = _session.CreateIoBinding();
        binding.BindInput(Sources, indices.Value);
        for (var i = 0; i < _inputs.Length; i++)
        {
            binding.BindInput(_inputs[i], tensors[i]);
            binding.BindOutputToDevice(_outputs[i], _memory);
        }

        run.Run(_session, binding);
        return [.. binding.GetOutputValues()];
    }

    public void Dispose() => _session.Dispose();
}
