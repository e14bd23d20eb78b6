using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Labels;

/// <summary>
/// <c>label_model.onnx</c>: tokens in, one log-probability for each label out, in one run at little more than the price of
/// the encoder. Where each row brings its own choices, their tries are inputs too (<see cref="ChoiceInputs"/>). May be
/// called from several threads.
/// </summary>
public sealed class LabelModel : ILabelScorer, IDisposable
{
    private const string LogProbabilities = "label_log_probs";
    private static readonly string[] Outputs = [LogProbabilities];
    private static readonly GraphPort[] TextPorts =
    [
        new("input_ids", TensorElementType.Int64, -1, -1),
        new("attention_mask", TensorElementType.Int64, -1, -1),
    ];

    private static readonly GraphPort[] TriePorts =
    [
        new("trie_tokens", TensorElementType.Int64, -1, -1),
        new("trie_depths", TensorElementType.Int64, -1, -1),
        new("trie_visible", TensorElementType.Bool, -1, -1, -1),
        new("branch_positions", TensorElementType.Int64, -1, -1),
        new("branch_tokens", TensorElementType.Int64, -1, -1, -1),
        new("label_steps", TensorElementType.Int64, -1, -1, -1),
    ];

    private readonly GraphSession _graph;
    private readonly T5Config _config;
    private readonly string[] _inputs;
    private readonly int _labels;
    private readonly BoundRuns? _bound;
    private readonly string? _unbound;

    private LabelModel(GraphSession graph, T5Config config, GraphPort[] ports, int labels, string? unbound)
    {
        _graph = graph;
        _config = config;
        _inputs = [.. ports.Select(p => p.Name)];
        _labels = labels;
        _unbound = unbound;
        if (unbound is null) _bound = new BoundRuns(graph, _inputs, LogProbabilities, labels);
    }

    private bool ReadsTries => _labels < 0;

    /// <summary>Loads the graph.</summary>
    /// <param name="factory">Loads sessions.</param>
    /// <param name="path">The graph file.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="task">The labels.</param>
    /// <param name="encoder">Makes the input of a first run.</param>
    /// <param name="binds">Whether a device that binds its runs may do so with this graph.</param>
    internal static LabelModel Load(
        SessionFactory factory, string path, T5Config config, TaskSpec task, InputEncoder encoder, bool binds)
    {
        var labels = task.Labels?.Count ?? -1;
        GraphPort[] ports = labels < 0 ? [.. TextPorts, .. TriePorts] : TextPorts;
        GraphPort[] outputs = [new(LogProbabilities, TensorElementType.Float, -1, labels)];
        LabelModel Open(bool records)
        {
            var graph = GraphSession.Load(factory, path, ports, outputs, factory.Share(path), records: records, lanes: true);
            if (graph.Records && graph.TypeOf(LogProbabilities) != TensorElementType.Float)
            {
                graph.Dispose();
                graph = GraphSession.Load(factory, path, ports, outputs);
            }

            string? unbound = !factory.BindsRuns ? ""
                : labels < 0 ? "its tries are inputs of ever new shapes"
                : !binds ? "rows that only fill up would change the answers of its precision"
                : graph.TypeOf(LogProbabilities) != TensorElementType.Float ? "its output is not in single precision"
                : null;
            return new LabelModel(graph, config, ports, labels, unbound);
        }

        var model = Open(records: binds && labels >= 0);
        try
        {
            if (Sample(encoder, task) is not { } sample) return model;
            if (model.RecordingFault(sample) is { } why)
            {
                // A recording that fails may leave its stream unusable, so another session takes over.
                var other = Open(records: false);
                model.Dispose();
                model = other;
                model.Note = $"{path}: kernels are started one by one: {why}";
            }

            model._graph.ReleaseCopiedWeights(session => model.Score([sample], session, CancellationToken.None)[0]);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>What a GPU does otherwise than it could with this graph, and why; null: nothing.</summary>
    internal string? Note
    {
        get => field
            ?? (_unbound is { Length: > 0 } ? $"{_graph.Path}: runs are not bound to memory of the device: {_unbound}"
                : (_graph.Unrecorded ?? _bound?.Unrecorded) is { } why ? $"{_graph.Path}: kernels are started one by one: {why}"
                : null);
        private set;
    }

    /// <summary>How many callers keep the device busy: while it works for one, others prepare their runs and read their results.</summary>
    internal int Callers => _bound is null ? Lanes : 2;

    /// <summary>Distinct shapes of the bound runs so far.</summary>
    internal int BoundShapes => _bound?.Count ?? 0;

    /// <summary>How many runs may go side by side; 1: each run uses all threads.</summary>
    public int Lanes => _graph.Lanes;

    /// <inheritdoc/>
    public IReadOnlyList<double[]> Score(IReadOnlyList<EncodedInput> rows, CancellationToken cancellationToken = default) =>
        Score(rows, lane: null, cancellationToken);

    /// <summary>Scores rows in one run on the threads of a lane.</summary>
    /// <param name="rows">At least one input.</param>
    /// <param name="lane">The lane; null: all threads.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public IReadOnlyList<double[]> Score(IReadOnlyList<EncodedInput> rows, int? lane, CancellationToken cancellationToken = default)
    {
        if (_bound is null) return Score(rows, _graph.Of(lane), cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return Read(rows, _bound.Run([.. rows.Select(r => r.Tokens)], _config.PadTokenId));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bound?.Dispose();
        _graph.Dispose();
    }

    /// <summary>An input that reaches every operator, as any does. Null: the tokenizer cannot tell two letters apart.</summary>
    private static EncodedInput? Sample(InputEncoder encoder, TaskSpec task)
    {
        string[]? choices = task.Labels is null ? ["a", "b"] : null;
        try
        {
            var trie = choices is null ? null : encoder.BuildTrie(choices);
            return new EncodedInput { Tokens = encoder.EncodeInput("a", out _), Choices = choices, Trie = trie };
        }
        catch (InputException)
        {
            return null;
        }
    }

    /// <summary>Runs an input where runs are recorded. Null: it could be recorded, or nothing is.</summary>
    private string? RecordingFault(EncodedInput sample)
    {
        if (_bound is null || !_graph.Records) return null;
        try
        {
            Score([sample]);
            return _bound.Unrecorded;
        }
        catch (InferenceException e)
        {
            return e.Message;
        }
    }

    private double[][] Score(IReadOnlyList<EncodedInput> rows, InferenceSession session, CancellationToken cancellationToken)
    {
        var tokens = new int[rows.Count][];
        for (var row = 0; row < tokens.Length; row++) tokens[row] = rows[row].Tokens;
        using var run = new GraphRun(cancellationToken);
        using var batch = new TokenBatch(tokens, _config.PadTokenId, _graph.Shapes);
        var inputs = new OrtValue[_inputs.Length];
        inputs[0] = batch.InputIds;
        inputs[1] = batch.AttentionMask;
        try
        {
            if (ReadsTries) AddTries(rows, inputs);
            using var outputs = run.Run(session, _inputs, inputs, Outputs);
            return Read(rows, Floats.Of(outputs[0]));
        }
        finally
        {
            for (var i = TextPorts.Length; i < inputs.Length; i++) inputs[i]?.Dispose();
        }
    }

    private void AddTries(IReadOnlyList<EncodedInput> rows, OrtValue[] inputs)
    {
        var plans = new LabelPlan[rows.Count];
        for (var row = 0; row < plans.Length; row++)
            plans[row] = LabelPlan.Create(
                rows[row].Trie ?? throw new InputException("choices: this task needs those of the input, found none"),
                _config.DecoderStartTokenId);
        var c = ChoiceInputs.Create(plans);
        inputs[2] = OrtValue.CreateTensorValueFromMemory(c.TrieTokens, [c.Rows, c.Positions]);
        inputs[3] = OrtValue.CreateTensorValueFromMemory(c.TrieDepths, [c.Rows, c.Positions]);
        inputs[4] = OrtValue.CreateTensorValueFromMemory(c.TrieVisible, [c.Rows, c.Positions, c.Positions]);
        inputs[5] = OrtValue.CreateTensorValueFromMemory(c.BranchPositions, [c.Rows, c.Branchings]);
        inputs[6] = OrtValue.CreateTensorValueFromMemory(c.BranchTokens, [c.Rows, c.Branchings, c.Children]);
        inputs[7] = OrtValue.CreateTensorValueFromMemory(c.LabelSteps, [c.Rows, c.Labels, c.Steps]);
    }

    private double[][] Read(IReadOnlyList<EncodedInput> rows, ReadOnlySpan<float> values)
    {
        var width = values.Length / rows.Count;
        var scores = new double[rows.Count][];
        for (var row = 0; row < scores.Length; row++)
        {
            var count = ReadsTries ? rows[row].Choices!.Count : _labels;
            if (values.Length != rows.Count * width || count > width)
                throw new InputException(
                    $"{_graph.Path}: expected {count} log-probabilities for each of {rows.Count} rows, found {values.Length} values");
            scores[row] = new double[count];
            for (var label = 0; label < count; label++) scores[row][label] = values[(row * width) + label];
        }

        return scores;
    }
}
