using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Toolchain.Export;

/// <summary>
/// Holds every exported graph, and every branch of one, against the checkpoint: encoder, decoder, decoder with past, both
/// branches of the merged decoder, the label model; over several batch sizes and lengths with padding.
/// </summary>
internal sealed class ParityGate
{
    private readonly string _bundle;
    private readonly T5Model _model;
    private readonly T5Config _config;
    private readonly LabelTrie? _labels;
    private readonly bool _hasChoices;
    private readonly int _threads;
    private readonly IReadOnlyList<ParityCase> _cases;
    private readonly IReadOnlyList<ParityReference> _references;

    /// <summary>Prepares the reference's answers.</summary>
    /// <param name="bundle">The bundle directory.</param>
    /// <param name="model">The checkpoint's model.</param>
    /// <param name="labels">The trie of the task's closed set; null where it has none.</param>
    /// <param name="hasChoices">Whether the label model reads each row's trie.</param>
    /// <param name="threads">Threads for an operator; 0: one a core.</param>
    public ParityGate(string bundle, T5Model model, LabelTrie? labels, bool hasChoices, int threads)
    {
        _bundle = bundle;
        _model = model;
        _config = model.Config;
        _labels = labels;
        _hasChoices = hasChoices;
        _threads = threads;
        _cases = ParityCase.Cases(_config.VocabSize, _config.PadTokenId, _config.DecoderStartTokenId);
        _references = [.. _cases.Select(c => ParityReference.Compute(model, c))];
    }

    /// <summary>How many batches are compared.</summary>
    public int Cases => _cases.Count;

    /// <summary>Compares the graphs of a precision.</summary>
    /// <param name="precision">Its name.</param>
    /// <param name="graphs">Its graphs.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops between graphs.</param>
    /// <returns>Largest relative error for each graph and branch.</returns>
    public IReadOnlyDictionary<string, double> Measure(
        string precision, IReadOnlyList<string> graphs, IReporter reporter, CancellationToken cancellationToken)
    {
        var errors = new SortedDictionary<string, double>(StringComparer.Ordinal);
        for (var i = 0; i < graphs.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            reporter.Progress($"parity {precision}", i, graphs.Count, graphs[i]);
            Measure(graphs[i], precision, errors);
        }

        return errors;
    }

    private void Measure(string graph, string precision, SortedDictionary<string, double> errors)
    {
        using var session = Open(graph, precision);
        // The decoder with past needs the first decoder's keys and values to start from.
        using var first = graph == BundleFiles.DecoderWithPast ? Open(BundleFiles.Decoder, precision) : null;
        for (var i = 0; i < _cases.Count; i++)
        {
            var (batch, reference) = (_cases[i], _references[i]);
            switch (graph)
            {
                case BundleFiles.Encoder: Worst(errors, graph, EncoderError(session, batch, reference)); break;
                case BundleFiles.Decoder: Worst(errors, graph, DecoderError(session, batch, reference)); break;
                case BundleFiles.DecoderWithPast: Worst(errors, graph, StepsError(first!, session, batch, reference).Later); break;
                case BundleFiles.LabelModel: Worst(errors, graph, LabelError(session, batch, seed: i)); break;
                case BundleFiles.DecoderMerged:
                    Worst(errors, graph + "/whole", DecoderError(session, batch, reference));
                    var (opening, later) = StepsError(session, session, batch, reference);
                    Worst(errors, graph + "/first", opening);
                    Worst(errors, graph + "/with_past", later);
                    break;
                default: throw new InvalidOperationException($"no parity check is known for graph \"{graph}\"");
            }
        }
    }

    private GraphUnderTest Open(string graph, string precision) =>
        new(Path.Combine(_bundle, BundleFiles.Graph(graph, precision).Replace('/', Path.DirectorySeparatorChar)), _threads);

    private static void Worst(SortedDictionary<string, double> errors, string name, double error) =>
        errors[name] = Math.Max(error, errors.GetValueOrDefault(name));

    private static double EncoderError(GraphUnderTest encoder, ParityCase batch, ParityReference reference)
    {
        using var inputs = new TensorSet();
        inputs.Add("input_ids", batch.InputIds, batch.Rows, batch.Length);
        inputs.Add("attention_mask", batch.AttentionMask, batch.Rows, batch.Length);
        using var outputs = new TensorSet(encoder.Run(inputs.Values));
        return ParityError.OfStates(batch, reference.States, outputs.Floats("last_hidden_state"));
    }

    /// <summary>All decoder positions in one run.</summary>
    private double DecoderError(GraphUnderTest decoder, ParityCase batch, ParityReference reference)
    {
        using var inputs = Opening(decoder, batch, reference, batch.DecoderInputIds, batch.Decoded);
        using var outputs = new TensorSet(decoder.Run(inputs.Values));
        return ParityError.Of(reference.Logits, outputs.Floats("logits"));
    }

    /// <summary>The first position in one run, then one position a run over the keys and values of those before.</summary>
    private (double First, double Later) StepsError(GraphUnderTest first, GraphUnderTest next, ParityCase batch, ParityReference reference)
    {
        long[] Column(int position) =>
            [.. Enumerable.Range(0, batch.Rows).Select(row => batch.DecoderInputIds[(row * batch.Decoded) + position])];

        using var inputs = Opening(first, batch, reference, Column(0), 1);
        using var opening = new TensorSet(first.Run(inputs.Values));
        var firstError = ParityError.Of(reference.LogitsAt(batch, 0), opening.Floats("logits"));
        var laterError = 0.0;
        TensorSet? previous = null;
        for (var position = 1; position < batch.Decoded; position++)
        {
            using var step = new TensorSet();
            step.Add("input_ids", Column(position), batch.Rows, 1);
            step.Add("encoder_attention_mask", batch.AttentionMask, batch.Rows, batch.Length);
            if (next.Has("encoder_hidden_states"))
                step.Add("encoder_hidden_states", reference.States, batch.Rows, batch.Length, _config.DModel);
            if (next.Has("use_cache_branch")) step.AddFlag("use_cache_branch", true);
            for (var layer = 0; layer < _config.NumDecoderLayers; layer++)
            {
                foreach (var what in (string[])["key", "value"])
                {
                    step.Borrow($"past_key_values.{layer}.decoder.{what}", (previous ?? opening).Values[$"present.{layer}.decoder.{what}"]);
                    step.Borrow($"past_key_values.{layer}.encoder.{what}", opening.Values[$"present.{layer}.encoder.{what}"]);
                }
            }

            var outputs = new TensorSet(next.Run(step.Values));
            previous?.Dispose();
            previous = outputs;
            laterError = Math.Max(laterError, ParityError.Of(reference.LogitsAt(batch, position), outputs.Floats("logits")));
        }

        previous?.Dispose();
        return (firstError, laterError);
    }

    private TensorSet Opening(GraphUnderTest decoder, ParityCase batch, ParityReference reference, long[] decoderIds, int length)
    {
        var inputs = new TensorSet();
        inputs.Add("input_ids", decoderIds, batch.Rows, length);
        inputs.Add("encoder_hidden_states", reference.States, batch.Rows, batch.Length, _config.DModel);
        inputs.Add("encoder_attention_mask", batch.AttentionMask, batch.Rows, batch.Length);
        if (!decoder.Has("use_cache_branch")) return inputs;
        inputs.AddFlag("use_cache_branch", false);
        for (var layer = 0; layer < _config.NumDecoderLayers; layer++)
        {
            foreach (var side in (string[])["decoder", "encoder"])
            {
                inputs.AddEmpty($"past_key_values.{layer}.{side}.key", batch.Rows, _config.NumHeads, 0, _config.DKv);
                inputs.AddEmpty($"past_key_values.{layer}.{side}.value", batch.Rows, _config.NumHeads, 0, _config.DKv);
            }
        }

        return inputs;
    }

    private double LabelError(GraphUnderTest labels, ParityCase batch, int seed)
    {
        LabelTrie[] tries = [.. Enumerable.Range(0, batch.Rows).Select(row => _labels ?? MadeUpTrie((31 * seed) + row))];
        var expected = ParityReference.LabelLogProbabilities(_model, batch, tries);
        using var inputs = new TensorSet();
        inputs.Add("input_ids", batch.InputIds, batch.Rows, batch.Length);
        inputs.Add("attention_mask", batch.AttentionMask, batch.Rows, batch.Length);
        if (_hasChoices) inputs.Add(ChoiceInputs.Create([.. tries.Select(t => LabelPlan.Create(t, _config.DecoderStartTokenId))]));
        using var outputs = new TensorSet(labels.Run(inputs.Values));
        var found = outputs.Floats("label_log_probs");
        var width = found.Length / batch.Rows;
        var worst = 0.0;
        for (var row = 0; row < batch.Rows; row++)
        {
            if (expected[row].Length > width) return double.PositiveInfinity;
            worst = Math.Max(worst, ParityError.OfLogProbabilities(expected[row], found.Slice(row * width, width)));
        }

        return worst;
    }

    /// <summary>Two to five labels of up to four tokens, with shared beginnings, as the choices of a row.</summary>
    private LabelTrie MadeUpTrie(int seed)
    {
        var random = new Random(seed);
        var first = Math.Min(3, _config.VocabSize - 2);
        var tokens = Enumerable.Range(0, 3).Select(_ => random.Next(first, _config.VocabSize)).Distinct().ToArray();
        var labels = new Dictionary<string, int[]>(StringComparer.Ordinal);
        for (var count = 2 + random.Next(4); labels.Count < count;)
        {
            int[] label = [.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => tokens[random.Next(tokens.Length)]), _config.EosTokenId];
            labels.TryAdd(string.Join(' ', label), label);
        }

        return LabelTrie.Build([.. labels.Values], [.. labels.Keys]);
    }
}
