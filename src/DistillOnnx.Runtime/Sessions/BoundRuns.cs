using System.Globalization;
using System.Runtime.InteropServices;
using DistillOnnx.Core.Prediction;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// Runs of a graph <c>input_ids, attention_mask → scores</c> on tensors of rounded shapes, bound once for each shape to memory that stays
/// in place. On a GPU the kernels of a shape are recorded at its first run and afterwards started all at once. ONNX Runtime keeps such a
/// recording for each thread, so one thread makes all runs; callers prepare the next one meanwhile.
/// </summary>
internal sealed class BoundRuns : IDisposable
{
    // Every shape holds its memory and its recording for good.
    private const int MostShapes = 128;
    private const string GraphId = "gpu_graph_id", NoGraph = "-1";

    private readonly GraphSession _graph;
    private readonly TensorMemory _memory;
    private readonly WorkerThread _thread = new("bound runs");
    private readonly Dictionary<(int Rows, int Length), Shape> _shapes = [];
    private readonly string[] _inputs;
    private readonly string _output;
    private readonly int _width;

    /// <param name="graph">The graph.</param>
    /// <param name="inputs">Names of the tokens and of their mask: int64 [rows, length] both.</param>
    /// <param name="output">Name of the result: float32 [rows, width].</param>
    /// <param name="width">Values of a row.</param>
    public BoundRuns(GraphSession graph, string[] inputs, string output, int width)
    {
        (_graph, _inputs, _output, _width) = (graph, inputs, output, width);
        _memory = TensorMemory.Of(graph);
    }

    /// <summary>Shapes that are bound.</summary>
    public int Count => _shapes.Count;

    /// <summary>Why a shape's kernels are started one by one although the session records; null: none is.</summary>
    public string? Unrecorded { get; private set; }

    /// <summary>Runs the graph. Rows are few enough and short enough to be held in memory at once.</summary>
    /// <param name="rows">Tokens of each row.</param>
    /// <param name="padId">Put after them.</param>
    /// <returns>The results of the rows, one after another.</returns>
    public float[] Run(IReadOnlyList<int[]> rows, int padId)
    {
        var count = _graph.Shapes.Rows(rows.Count);
        var length = _graph.Shapes.Length(rows.Max(r => r.Length));
        var tokens = new long[2 * count * length];
        var ids = tokens.AsSpan(0, count * length);
        var mask = tokens.AsSpan(count * length);
        if (padId != 0) ids.Fill(padId);
        for (var r = 0; r < rows.Count; r++)
        {
            for (var i = 0; i < rows[r].Length; i++) ids[(r * length) + i] = rows[r][i];
            mask.Slice(r * length, rows[r].Length).Fill(1);
        }

        // A row that only fills up sees one token: a softmax over none would be no number.
        for (var r = rows.Count; r < count; r++) mask[r * length] = 1;
        var scores = new float[rows.Count * _width];
        _thread.Do(() => Execute(count, length, tokens, scores));
        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _thread.Dispose();
        foreach (var shape in _shapes.Values) shape.Dispose();
        _memory.Dispose();
    }

    private void Execute(int rows, int length, long[] tokens, float[] scores)
    {
        if (!_shapes.TryGetValue((rows, length), out var shape)) shape = Bind(rows, length);
        _memory.Write(shape.Input, MemoryMarshal.AsBytes(tokens.AsSpan()));
        try
        {
            _graph.Session.RunWithBinding(shape.Options, shape.Binding);
        }
        catch (OnnxRuntimeException e) when (shape.IsRecorded)
        {
            Unrecorded ??= $"{rows} rows of {length} tokens: {GraphRun.OneLine(e)}";
            shape.RecordNothing();
            Execute(rows, length, tokens, scores);
            return;
        }
        catch (OnnxRuntimeException e)
        {
            throw new InferenceException($"ONNX Runtime failed on a graph: {GraphRun.OneLine(e)}", e);
        }

        _memory.Read(shape.Output, MemoryMarshal.AsBytes(scores.AsSpan()));
    }

    private Shape Bind(int rows, int length)
    {
        var bytes = rows * length * sizeof(long);
        var (input, output) = (_memory.Allocate(2 * bytes), _memory.Allocate(rows * _width * sizeof(float)));
        OrtValue Tokens(nint at) =>
            OrtValue.CreateTensorValueWithData(_memory.Info, TensorElementType.Int64, [rows, length], at, bytes);
        OrtValue[] values =
        [
            Tokens(input), Tokens(input + bytes),
            OrtValue.CreateTensorValueWithData(
                _memory.Info, TensorElementType.Float, [rows, _width], output, rows * _width * sizeof(float)),
        ];
        var binding = _graph.Session.CreateIoBinding();
        binding.BindInput(_inputs[0], values[0]);
        binding.BindInput(_inputs[1], values[1]);
        binding.BindOutput(_output, values[2]);
        var shape = new Shape(input, output, binding, values);
        if (!_graph.Records || _shapes.Count >= MostShapes) shape.RecordNothing();
        else shape.Record(_shapes.Count + 1);
        return _shapes[(rows, length)] = shape;
    }

    private sealed class Shape(nint input, nint output, OrtIoBinding binding, OrtValue[] values) : IDisposable
    {
        public nint Input => input;

        public nint Output => output;

        public OrtIoBinding Binding => binding;

        public RunOptions Options { get; private set; } = new();

        public bool IsRecorded { get; private set; }

        public void Record(int number)
        {
            IsRecorded = true;
            Options.AddRunConfigEntry(GraphId, number.ToString(CultureInfo.InvariantCulture));
        }

        public void RecordNothing()
        {
            IsRecorded = false;
            Options.Dispose();
            Options = new RunOptions();
            Options.AddRunConfigEntry(GraphId, NoGraph);
        }

        public void Dispose()
        {
            Options.Dispose();
            binding.Dispose();
            foreach (var value in values) value.Dispose();
        }
    }
}
