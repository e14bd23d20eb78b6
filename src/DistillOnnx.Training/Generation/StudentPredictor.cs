using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Generation;

/// <summary>Labels inputs with a checkpoint, in TorchSharp: what training evaluates with and exports are compared with.</summary>
public sealed class StudentPredictor : IPredictor, IExplainer, IEmbedder
{
    /// <summary>Decoded where the task sets no limit.</summary>
    private const int DefaultLabelTokens = 128;

    /// <summary>Most input tokens in one batch, padding included; keeps attention's scores small.</summary>
    private const int BatchTokens = 4096;

    private readonly Lock _gate = new();
    private readonly T5Model _model;
    private readonly bool _ownsModel;
    private readonly InputEncoder _encoder;
    private readonly LabelTrie? _labels;

    /// <summary>Predicts with a model at hand, which stays the caller's.</summary>
    /// <param name="model">The model; dropout is off while it predicts.</param>
    /// <param name="encoder">The tokenizer and the task.</param>
    /// <exception cref="InputException">The task's labels cannot be told apart by their tokens.</exception>
    public StudentPredictor(T5Model model, InputEncoder encoder)
        : this(model, encoder, ownsModel: false)
    {
    }

    private StudentPredictor(T5Model model, InputEncoder encoder, bool ownsModel)
    {
        _model = model;
        _encoder = encoder;
        _ownsModel = ownsModel;
        if (encoder.Task.Kind == TaskKind.Labels) _labels = encoder.BuildTrie(encoder.Task.Labels!);
    }

    /// <inheritdoc/>
    public TaskSpec Task => _encoder.Task;

    /// <summary>Opens a checkpoint directory with its task and tokenizer.</summary>
    /// <param name="checkpointDirectory">The directory.</param>
    /// <param name="device"><c>auto</c>, <c>cpu</c> or <c>cuda:N</c>.</param>
    /// <param name="reporter">Receives a message about the device that was chosen.</param>
    /// <param name="baseDirectory">The base of a checkpoint that is a LoRA adapter; null: the one that it names.</param>
    /// <exception cref="InputException">A file is missing or malformed, or there is no such device.</exception>
    public static StudentPredictor Open(
        string checkpointDirectory, string device = "auto", IReporter? reporter = null, string? baseDirectory = null)
    {
        using var checkpoint = Checkpoint.Open(checkpointDirectory, baseDirectory);
        foreach (var note in checkpoint.Notes) reporter?.Info(note);
        var task = TaskSpec.Load(checkpointDirectory);
        var encoder = new InputEncoder(T5Tokenizer.Load(checkpoint.Place.TokenizerDirectory), task);
        if (encoder.Tokenizer.Note is { } unused) reporter?.Info(unused);
        encoder.Tokenizer.RequireRows(checkpoint.Config.VocabSize, "\"vocab_size\"");
        encoder.Tokenizer.RequireTokensOf(checkpoint.Config, Path.Combine(checkpoint.Place.BaseDirectory, T5Config.FileName));
        var model = T5Model.Load(checkpoint, Devices.Select(device, reporter ?? Reporter.None));
        model.eval();
        return new StudentPredictor(model, encoder, ownsModel: true);
    }

    /// <summary>Opens a checkpoint that has learnt no task, to see what it answers all the same.</summary>
    /// <param name="checkpointDirectory">The directory.</param>
    /// <param name="task">What to ask it; without a prefix, which it would not know.</param>
    /// <param name="tokenizerDirectory">A directory with <c>spiece.model</c>; null: the checkpoint's own.</param>
    /// <param name="device"><c>auto</c>, <c>cpu</c> or <c>cuda:N</c>.</param>
    /// <param name="threads">Threads per operation on the CPU; null: libtorch's choice.</param>
    /// <param name="reporter">Receives a message about the device that was chosen.</param>
    /// <exception cref="InputException">A file is missing or malformed, or there is no such device.</exception>
    public static StudentPredictor OpenUntrained(
        string checkpointDirectory, TaskSpec task, string? tokenizerDirectory, string device, int? threads, IReporter reporter)
    {
        using var checkpoint = Checkpoint.Open(checkpointDirectory);
        var tokenizer = T5Tokenizer.Load(tokenizerDirectory ?? checkpoint.Place.TokenizerDirectory);
        var model = T5Model.Load(checkpoint, Devices.Select(device, reporter, threads));
        model.eval();
        return new StudentPredictor(
            model, new InputEncoder(tokenizer, task with { PredictPrefix = "", ExplainPrefix = "" }), ownsModel: true);
    }

    /// <inheritdoc/>
    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default)
    {
        var rows = new Row[inputs.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            RequireUsable(inputs[i], i);
            var ids = _encoder.EncodeInput(inputs[i].Text, out var truncated);
            rows[i] = new Row(i, ids, truncated);
        }

        // Rows of like length go together, so that little is spent on padding.
        var answers = new LabelPrediction[rows.Length];
        foreach (var batch in Batches(rows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            lock (_gate) Predict(batch, inputs, answers, cancellationToken);
        }

        return answers;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Rationale> Explain(
        IReadOnlyList<PredictorInput> inputs, ExplainSettings settings, CancellationToken cancellationToken = default)
    {
        IExplainer.RequireRationales(Task);
        Row[] rows = [.. inputs.Select((input, i) => new Row(i, _encoder.EncodeExplainInput(input.Text, out var truncated), truncated))];
        var rationales = new Rationale[rows.Length];
        foreach (var batch in Batches(rows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            lock (_gate)
            {
                using var tokens = PaddedBatch.Create([.. batch.Select(r => r.Ids)], _model.Config.PadTokenId, _model.Device);
                var generator = new StudentGenerator(_model);
                var decoded = settings.Beams == 1
                    ? generator.Greedy(tokens, settings.MaxTokens, cancellationToken)
                    : generator.Beam(tokens, settings.Beams, settings.MaxTokens, cancellationToken);
                for (var i = 0; i < batch.Length; i++)
                {
                    rationales[batch[i].Index] =
                        new Rationale(_encoder.Tokenizer.Decode(decoded[i]).Trim(), _model.Config.IsCut(decoded[i]));
                }
            }
        }

        return rationales;
    }

    /// <inheritdoc/>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default)
    {
        var rows = new Row[inputs.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            RequireText(inputs[i], i);
            rows[i] = new Row(i, _encoder.EncodeInput(inputs[i].Text, out var truncated), truncated);
        }

        var means = new float[rows.Length][];
        foreach (var batch in Batches(rows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            lock (_gate)
            {
                using var tokens = PaddedBatch.Create([.. batch.Select(r => r.Ids)], _model.Config.PadTokenId, _model.Device);
                var states = new EncoderStates(_model).Mean(tokens);
                for (var i = 0; i < batch.Length; i++) means[batch[i].Index] = states[i];
            }
        }

        return means;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsModel) _model.Dispose();
    }

    private static IEnumerable<Row[]> Batches(Row[] rows)
    {
        Row[] sorted = [.. rows.OrderBy(r => r.Ids.Length).ThenBy(r => r.Index)];
        for (var first = 0; first < sorted.Length;)
        {
            var count = 1;
            while (first + count < sorted.Length && (count + 1) * sorted[first + count].Ids.Length <= BatchTokens) count++;
            yield return sorted[first..(first + count)];
            first += count;
        }
    }

    private void Predict(Row[] batch, IReadOnlyList<PredictorInput> inputs, LabelPrediction[] answers, CancellationToken cancellationToken)
    {
        using var tokens = PaddedBatch.Create([.. batch.Select(r => r.Ids)], _model.Config.PadTokenId, _model.Device);
        if (Task.Kind == TaskKind.Text)
        {
            var decoded = new StudentGenerator(_model).Greedy(tokens, Task.MaxLabelTokens ?? DefaultLabelTokens, cancellationToken);
            for (var i = 0; i < batch.Length; i++)
            {
                answers[batch[i].Index] = Answer(batch[i], _encoder.Tokenizer.Decode(decoded[i]).Trim(), null) with
                {
                    AnswerTruncated = _model.Config.IsCut(decoded[i]),
                };
            }

            return;
        }

        var scorer = new T5Labels(_model);
        var scores = _labels is not null
            ? scorer.Score(tokens, _labels)
            : scorer.Score(tokens, [.. batch.Select(r => _encoder.BuildTrie(inputs[r.Index].Choices!))]);
        for (var i = 0; i < batch.Length; i++)
        {
            if (!Array.TrueForAll(scores[i], double.IsFinite)) throw new InferenceException(StudentGenerator.NoNumbers);
            var names = Task.Labels ?? inputs[batch[i].Index].Choices!;
            answers[batch[i].Index] = Answer(batch[i], names[Array.IndexOf(scores[i], scores[i].Max())], scores[i]);
        }
    }

    private static LabelPrediction Answer(Row row, string label, double[]? logProbabilities)
    {
        double[]? probabilities = logProbabilities is null ? null : [.. logProbabilities.Select(Math.Exp)];
        return new LabelPrediction
        {
            Label = label,
            Probability = probabilities?.Max(),
            Probabilities = probabilities,
            RawLogProbabilities = logProbabilities,
            Truncated = row.Truncated,
            InputTokens = row.Ids.Length,
        };
    }

    private static void RequireText(PredictorInput input, int index)
    {
        if (string.IsNullOrWhiteSpace(input.Text)) throw new InputException($"input {index + 1}: expected a text, found an empty one");
    }

    private void RequireUsable(PredictorInput input, int index)
    {
        RequireText(input, index);
        if (Task.Kind == TaskKind.Choices && input.Choices is not { Count: > 0 })
            throw new InputException($"input {index + 1}: task \"{Task.Name}\" needs the choices of each input, found none");
        if (Task.Kind != TaskKind.Choices && input.Choices is not null)
            throw new InputException(
                $"input {index + 1}: task \"{Task.Name}\" has no choices of its own inputs, found {input.Choices.Count}");
    }

    private readonly record struct Row(int Index, int[] Ids, bool Truncated);
}
