using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Hosting.Batching;
using Input = DistillOnnx.Core.Prediction.PredictorInput;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>
/// Answers each text by its hash, so that an answer to another text shows. Tests can hold a batch, slow it down or make a
/// text fail.
/// </summary>
internal sealed class FakePredictor : IServedPredictor
{
    public static readonly string[] Labels = ["entailment", "neutral", "contradiction"];

    private int _batches;

    public TaskSpec Task { get; init; } = new() { Name = "nli", Kind = TaskKind.Labels, Labels = Labels, MaxInputTokens = 128 };

    public string Device => "fake";

    /// <summary>A text that contains this makes its whole batch throw.</summary>
    public string? Poison { get; init; }

    /// <summary>A text that contains this makes encoding it throw what nobody expects.</summary>
    public string? Bug { get; init; }

    /// <summary>How long a token takes.</summary>
    public TimeSpan PerToken { get; init; }

    /// <summary>Distinguishes the answers of one version from another's.</summary>
    public string Salt { get; init; } = "";

    /// <summary>Called with the texts of each batch, on the batch thread.</summary>
    public Action<IReadOnlyList<string>>? OnBatch { get; set; }

    /// <summary>The lane of each batch, in the order in which they began; null: all threads.</summary>
    public ConcurrentQueue<int?> LanesTaken { get; } = [];

    public int Lanes { get; init; } = 1;

    public bool OnGpu { get; init; }

    /// <summary>Why it cannot explain; null: it can.</summary>
    public string? CannotExplain { get; init; }

    /// <summary>Called with each text that is explained, on the thread that does it.</summary>
    public Action<string, CancellationToken>? OnExplain { get; set; }

    /// <summary>The texts that were explained, in the order in which they began.</summary>
    public ConcurrentQueue<string> Explained { get; } = [];

    public int Batches => Volatile.Read(ref _batches);

    public bool Disposed { get; private set; }

    /// <summary>While it is set, nothing is held, slowed down, poisoned or counted: a server warms its models up.</summary>
    public bool Asleep { get; set; }

    public EncodedRow Encode(Input input)
    {
        if (Bug is not null && input.Text.Contains(Bug, StringComparison.Ordinal))
            throw new InvalidOperationException($"a bug at {input.Text}");
        var words = input.Text.Split(' ').Length + 1;
        return new EncodedRow(Math.Min(words, Task.MaxInputTokens ?? words), input);
    }

    public EncodedRow EncodeWithin(Input input, int maxChoiceTokens) => Encode(input);

    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<EncodedRow> rows, int? lane, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Disposed, this);
        if (Asleep) return [.. rows.Select(r => Answer((Input)r.Payload, r.Tokens))];
        Interlocked.Increment(ref _batches);
        LanesTaken.Enqueue(lane);
        string[] texts = [.. rows.Select(r => ((Input)r.Payload).Text)];
        OnBatch?.Invoke(texts);
        if (PerToken > TimeSpan.Zero) cancellationToken.WaitHandle.WaitOne(PerToken * rows.Sum(r => r.Tokens));
        cancellationToken.ThrowIfCancellationRequested();
        if (Poison is not null && texts.Any(t => t.Contains(Poison, StringComparison.Ordinal)))
            throw new InvalidOperationException("poisoned");
        return [.. rows.Select(r => Answer((Input)r.Payload, r.Tokens))];
    }

    public string Explain(Input input, ExplainSettings settings, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Disposed, this);
        Explained.Enqueue(input.Text);
        OnExplain?.Invoke(input.Text, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return Rationale(input.Text);
    }

    /// <summary>The right rationale of a text.</summary>
    public static string Rationale(string text) => $"because it says: {text}";

    /// <summary>The right answer to a text.</summary>
    public LabelPrediction Answer(Input input, int tokens)
    {
        var labels = input.Choices ?? Labels;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Salt + input.Text));
        var weights = Enumerable.Range(0, labels.Count).Select(i => 1.0 + hash[i % 32]).ToArray();
        double[] probabilities = [.. weights.Select(w => w / weights.Sum())];
        var best = Array.IndexOf(probabilities, probabilities.Max());
        return new LabelPrediction
        {
            Label = labels[best],
            Probability = probabilities[best],
            Probabilities = probabilities,
            RawLogProbabilities = [.. probabilities.Select(p => Math.Log(p))],
            Abstained = probabilities[best] < 0.35,
            Truncated = tokens == Task.MaxInputTokens,
            InputTokens = tokens,
        };
    }

    public LabelPrediction Answer(string text) => Answer(new Input(text), Encode(new Input(text)).Tokens);

    public void Dispose() => Disposed = true;
}
