using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
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

    private LabelModel(GraphSession graph, T5Config config, GraphPort[] ports, int labels)
    {
        _graph = graph;
        _config = config;
        _inputs = [.. ports.Select(p => p.Name)];
        _labels = labels;
    }

    private bool ReadsTries => _labels < 0;

    internal static LabelModel Load(SessionFactory factory, string path, T5Config config, TaskSpec task, InputEncoder encoder)
    {
        var labels = task.Labels?.Count ?? -1;
        GraphPort[] ports = labels < 0 ? [.. TextPorts, .. TriePorts] : TextPorts;
        GraphPort[] outputs = [new(LogProbabilities, TensorElementType.Float, -1, labels)];
        var model = new LabelModel(GraphSession.Load(factory, path, ports, outputs, factory.Share(path)), config, ports, labels);
        try
        {
            if (Sample(encoder, task) is { } sample)
                model._graph.ReleaseCopiedWeights(session => model.Score([sample], session, CancellationToken.None)[0]);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>How many runs may go side by side; 1: each run uses all threads.</summary>
    public int Lanes => _graph.Lanes;

    /// <inheritdoc/>
    public IReadOnlyList<double[]> Score(IReadOnlyList<EncodedInput> rows, CancellationToken cancellationToken = default) =>
        Score(rows, _graph.Session, cancellationToken);

    /// <summary>Scores rows in one run on the threads of a lane.</summary>
    /// <param name="rows">At least one input.</param>
    /// <param name="lane">The lane; null: all threads.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public IReadOnlyList<double[]> Score(IReadOnlyList<EncodedInput> rows, int? lane, CancellationToken cancellationToken = default) =>
        Score(rows, _graph.Of(lane), cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _graph.Dispose();

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

    private double[][] Score(IReadOnlyList<EncodedInput> rows, InferenceSession session, CancellationToken cancellationToken)
    {
        var tokens = new int[rows.Count][];
        for (var row = 0; row < tokens.Length; row++) tokens[row] = rows[row].Tokens;
        using var run = new GraphRun(cancellationToken);
        using var batch = new TokenBatch(tokens, _config.PadTokenId, _graph.LengthMultiple);
        var inputs = new OrtValue[_inputs.Length];
        inputs[0] = batch.InputIds;
        inputs[1] = batch.AttentionMask;
        try
        {
            if (ReadsTries) AddTries(rows, inputs);
            using var outputs = run.Run(session, _inputs, inputs, Outputs);
            return Read(rows, outputs[0]);
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

    private double[][] Read(IReadOnlyList<EncodedInput> rows, OrtValue output)
    {
        var values = Floats.Of(output);
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
