using System.Numerics.Tensors;
using System.Runtime.ExceptionServices;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Labels;
using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime;

/// <summary>
/// Labels inputs with a bundle: tokenises, groups rows of similar length, runs the graphs, calibrates. Answers come in the
/// order of the inputs; the label does not depend on what else is in the batch, and a probability by no more than rounding. May be
/// called from several threads.
/// </summary>
public sealed class BundlePredictor : IPredictor, IExplainer, IEmbedder
{
    // Below this, starting threads costs more than they save.
    private const int ParallelInputs = 128;

    private readonly ILabelScorer? _scorer;
    private readonly TextGenerator? _generator;
    private readonly GenerationOptions _generation;
    private readonly double _temperature;
    private readonly double? _abstainBelow;
    private readonly RunLimits _limits;
    private readonly RunLimits _decodingLimits;

    private BundlePredictor(Bundle bundle)
    {
        Bundle = bundle;
        if (Task.Kind == TaskKind.Text) _generator = bundle.TextGenerator();
        else _scorer = bundle.LabelScorer();
        _generation = new GenerationOptions
        {
            Beams = bundle.Options.Beams,
            MaxNewTokens = Task.MaxLabelTokens ?? new GenerationOptions().MaxNewTokens,
        };
        _temperature = bundle.Manifest.Temperature;
        RunLimits Limits(bool decoding) => bundle.RowsIndependent || bundle.Options.MixInt8Rows
            ? bundle.Limits(decoding)
            : bundle.Limits(decoding) with { Rows = 1 };
        _limits = Limits(decoding: _scorer is not LabelModel);
        if (_generator is not null) _limits = _limits.ForBeams(_generation.Beams);
        _decodingLimits = Limits(decoding: true);
        _abstainBelow = bundle.Options.AbstainBelow ?? bundle.Manifest.AbstainBelow;
    }

    /// <summary>The bundle that answers.</summary>
    public Bundle Bundle { get; }

    /// <inheritdoc/>
    public TaskSpec Task => Bundle.Task;

    /// <summary>
    /// How many batches may run side by side, each on a lane; 1: where <see cref="RuntimeOptions.Lanes"/> asks for one, or the bundle
    /// cannot.
    /// </summary>
    public int Lanes => _scorer is LabelModel model ? model.Lanes : 1;

    /// <summary>Most rows that share a run.</summary>
    internal int MaxRows => _limits.Rows;

    /// <summary>Opens a bundle and loads the graphs that its task needs.</summary>
    /// <param name="bundleDirectory">The bundle directory.</param>
    /// <param name="options">How to run it; null: the defaults.</param>
    /// <exception cref="InputException">The bundle is not whole, or cannot run as the options ask.</exception>
    public static BundlePredictor Open(string bundleDirectory, RuntimeOptions? options = null)
    {
        var bundle = Bundle.Open(bundleDirectory, options);
        try
        {
            return new BundlePredictor(bundle);
        }
        catch
        {
            bundle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default)
    {
        if (inputs.Count == 0) return [];
        var rows = inputs.Count < ParallelInputs
            ? EncodeInOrder(inputs, cancellationToken)
            : EncodeInParallel(inputs, cancellationToken);
        return Predict(rows, cancellationToken);
    }

    /// <summary>Tokenises an input. Costs no run, so a server can do it on the thread that received the input.</summary>
    /// <param name="input">The input.</param>
    /// <exception cref="InputException">
    /// The text is empty; the choices are missing, are there where the task has none, or share beginnings of more tokens than
    /// <see cref="ChoiceInputs.MaxPositions"/>.
    /// </exception>
    public EncodedInput Encode(PredictorInput input) => EncodeWithin(input, int.MaxValue);

    /// <summary>Tokenises an input, and refuses choices that are longer than its caller allows before anything is made of them.</summary>
    /// <param name="input">The input.</param>
    /// <param name="maxChoiceTokens">Most tokens of its choices together.</param>
    /// <exception cref="InputException">As of <see cref="Encode"/>, or the choices have more tokens.</exception>
    public EncodedInput EncodeWithin(PredictorInput input, int maxChoiceTokens)
    {
        RequireText(input);
        if (Task.Kind != TaskKind.Choices && input.Choices is not null)
            throw new InputException($"choices: task \"{Task.Name}\" takes none, found {input.Choices.Count}");
        if (Task.Kind == TaskKind.Choices && input.Choices is null)
            throw new InputException($"choices: task \"{Task.Name}\" needs those of the input, found none");
        var trie = input.Choices is null ? null : Bundle.Encoder.BuildTrieWithin(input.Choices, maxChoiceTokens);
        if (trie is not null) ChoiceInputs.RequirePositions(trie.Positions);
        var tokens = Bundle.Encoder.EncodeInput(input.Text, out var truncated);
        return new EncodedInput
        {
            Tokens = tokens,
            Truncated = truncated,
            Choices = input.Choices,
            Trie = trie,
        };
    }

    /// <summary>
    /// Labels inputs that were tokenised before. Where they make several batches and there are lanes, these run side by side.
    /// </summary>
    /// <param name="rows">What <see cref="Encode"/> gave.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<EncodedInput> rows, CancellationToken cancellationToken = default)
    {
        var answers = new LabelPrediction[rows.Count];
        var runs = Plan(rows);
        if (Callers > 1 && runs.Count > 1) RunSideBySide(rows, runs, answers, cancellationToken);
        else foreach (var run in runs) Run(rows, run, lane: null, answers, cancellationToken);
        return answers;
    }

    /// <summary>Labels inputs on one lane, for callers that run batches side by side themselves.</summary>
    /// <param name="lane">Which, from 0; at most one call on each at a time.</param>
    /// <param name="rows">What <see cref="Encode"/> gave.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public IReadOnlyList<LabelPrediction> PredictOnLane(
        int lane, IReadOnlyList<EncodedInput> rows, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lane);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(lane, Lanes);
        var answers = new LabelPrediction[rows.Count];
        foreach (var run in Plan(rows)) Run(rows, run, lane, answers, cancellationToken);
        return answers;
    }

    /// <inheritdoc/>
    /// <remarks>Loads the bundle's encoder and decoder graphs with the first call; labels alone never need them.</remarks>
    public IReadOnlyList<Rationale> Explain(
        IReadOnlyList<PredictorInput> inputs, ExplainSettings settings, CancellationToken cancellationToken = default)
    {
        IExplainer.RequireRationales(Task);
        var generator = Bundle.TextGenerator();
        var generation = new GenerationOptions { Beams = settings.Beams, MaxNewTokens = settings.MaxTokens };
        foreach (var input in inputs) RequireText(input);
        int[][] rows = [.. inputs.Select(i => Bundle.Encoder.EncodeExplainInput(i.Text, out _))];
        var rationales = new Rationale[rows.Length];
        var limits = _decodingLimits.ForBeams(settings.Beams);
        var runs = SubBatches.Plan([.. rows.Select(r => r.Length)], limits.Tokens, limits.Rows, Bundle.Shapes);
        foreach (var run in runs)
        {
            var decoded = generator.Generate(Array.ConvertAll(run, i => rows[i]), generation, cancellationToken);
            for (var i = 0; i < run.Length; i++)
                rationales[run[i]] = new Rationale(Bundle.Tokenizer.Decode(decoded[i]).Trim(), Bundle.Config.IsCut(decoded[i]));
        }

        return rationales;
    }

    /// <inheritdoc/>
    /// <remarks>Loads the bundle's encoder graph with the first call, and no decoder.</remarks>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default)
    {
        var encoder = Bundle.EncoderModel();
        foreach (var input in inputs) RequireText(input);
        int[][] rows = [.. inputs.Select(i => Bundle.Encoder.EncodeInput(i.Text, out _))];
        var means = new float[rows.Length][];
        foreach (var positions in SubBatches.Plan([.. rows.Select(r => r.Length)], _limits.Tokens, _limits.Rows, Bundle.Shapes))
        {
            using var run = new GraphRun(cancellationToken);
            using var batch = new TokenBatch(Array.ConvertAll(positions, i => rows[i]), Bundle.Config.PadTokenId, encoder.Shapes);
            using var states = encoder.Encode(run, batch.InputIds, batch.AttentionMask, keepOnHost: true);
            var values = Floats.Of(states);
            for (var i = 0; i < positions.Length; i++)
            {
                var row = values.Slice(i * batch.Length * Bundle.Config.DModel, batch.Length * Bundle.Config.DModel);
                means[positions[i]] = Mean(row, rows[positions[i]].Length, Bundle.Config.DModel);
            }
        }

        return means;
    }

    /// <inheritdoc/>
    public void Dispose() => Bundle.Dispose();

    /// <summary>The mean of the first states of a row: [tokens, width] → [width].</summary>
    private float[] Mean(ReadOnlySpan<float> states, int tokens, int width)
    {
        var mean = new float[width];
        for (var token = 0; token < tokens; token++) TensorPrimitives.Add(mean, states.Slice(token * width, width), mean);
        TensorPrimitives.Divide(mean, (float)tokens, mean);
        return Array.TrueForAll(mean, float.IsFinite) ? mean : throw new InferenceException(
            $"{Bundle.Directory}: the {Bundle.Precision} encoder answers this input with values that are no numbers");
    }

    private int Callers => _scorer is LabelModel model ? model.Callers : 1;

    private EncodedInput[] EncodeInOrder(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken)
    {
        var rows = new EncodedInput[inputs.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows[i] = Encode(inputs[i]);
        }

        return rows;
    }

    /// <summary>Many inputs on as many threads as an operator may use, so that the device does not wait for tokens.</summary>
    private EncodedInput[] EncodeInParallel(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken)
    {
        var rows = new EncodedInput[inputs.Count];
        var threads = new ParallelOptions
        {
            MaxDegreeOfParallelism = CpuThreads.Count(Bundle.Options.Threads),
            CancellationToken = cancellationToken,
        };
        try
        {
            Parallel.For(0, rows.Length, threads, i => rows[i] = Encode(inputs[i]));
            return rows;
        }
        catch (AggregateException)
        {
            // The first input that has a fault names it, whichever thread came first.
            return EncodeInOrder(inputs, cancellationToken);
        }
    }

    private static void RequireText(PredictorInput input)
    {
        if (string.IsNullOrWhiteSpace(input.Text)) throw new InputException("text: expected a text, found an empty one");
    }

    private IReadOnlyList<int[]> Plan(IReadOnlyList<EncodedInput> rows)
    {
        var lengths = new int[rows.Count];
        for (var i = 0; i < lengths.Length; i++) lengths[i] = rows[i].Tokens.Length;
        var runs = SubBatches.Plan(lengths, _limits.Tokens, _limits.Rows, Bundle.Shapes);
        if (Task.Kind != TaskKind.Choices) return runs;

        // A run takes no more memory for its tries than one row with the largest.
        int[] positions = [.. rows.Select(r => r.Trie?.Positions ?? 0)];
        return SubBatches.Split(runs, positions, (long)ChoiceInputs.MaxPositions * ChoiceInputs.MaxPositions);
    }

    private void RunSideBySide(
        IReadOnlyList<EncodedInput> rows, IReadOnlyList<int[]> runs, LabelPrediction[] answers, CancellationToken cancellationToken)
    {
        var next = -1;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        void Work(int lane)
        {
            try
            {
                for (int i; (i = Interlocked.Increment(ref next)) < runs.Count;) Run(rows, runs[i], lane, answers, stop.Token);
            }
            catch
            {
                stop.Cancel();
                throw;
            }
        }

        try
        {
            Parallel.For(0, Math.Min(Callers, runs.Count), new ParallelOptions { MaxDegreeOfParallelism = Callers }, Work);
        }
        catch (AggregateException e)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // The lanes that were stopped because of another's fault have nothing to say.
            var fault = e.InnerExceptions.FirstOrDefault(f => f is not OperationCanceledException) ?? e.InnerExceptions[0];
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    private void Run(IReadOnlyList<EncodedInput> rows, int[] run, int? lane, LabelPrediction[] answers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var batch = Array.ConvertAll(run, i => rows[i]);
        if (_generator is not null) Generate(_generator, batch, run, answers, cancellationToken);
        else Score(batch, run, lane, answers, cancellationToken);
    }

    private void Score(EncodedInput[] batch, int[] positions, int? lane, LabelPrediction[] answers, CancellationToken cancellationToken)
    {
        var scores = _scorer is LabelModel model ? model.Score(batch, lane, cancellationToken) : _scorer!.Score(batch, cancellationToken);
        for (var i = 0; i < batch.Length; i++)
        {
            if (!Array.TrueForAll(scores[i], double.IsFinite))
                throw new InferenceException(
                    $"{Bundle.Directory}: {Bundle.Precision} graphs answer this input with values that are no numbers");
            var probabilities = Softmax.Log(scores[i], _temperature);
            var best = 0;
            for (var label = 0; label < probabilities.Length; label++)
            {
                probabilities[label] = Math.Exp(probabilities[label]);
                if (probabilities[label] > probabilities[best]) best = label;
            }

            answers[positions[i]] = new LabelPrediction
            {
                Label = (batch[i].Choices ?? Task.Labels!)[best],
                Probability = probabilities[best],
                Probabilities = probabilities,
                RawLogProbabilities = scores[i],
                Abstained = probabilities[best] < _abstainBelow,
                Truncated = batch[i].Truncated,
                InputTokens = batch[i].Tokens.Length,
            };
        }
    }

    private void Generate(
        TextGenerator generator, EncodedInput[] batch, int[] positions, LabelPrediction[] answers, CancellationToken cancellationToken)
    {
        var decoded = generator.Generate(Array.ConvertAll(batch, b => b.Tokens), _generation, cancellationToken);
        for (var i = 0; i < batch.Length; i++)
        {
            answers[positions[i]] = new LabelPrediction
            {
                Label = Bundle.Tokenizer.Decode(decoded[i]).Trim(),
                AnswerTruncated = Bundle.Config.IsCut(decoded[i]),
                Truncated = batch[i].Truncated,
                InputTokens = batch[i].Tokens.Length,
            };
        }
    }
}
