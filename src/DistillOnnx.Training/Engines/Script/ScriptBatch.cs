using DistillOnnx.Core.T5;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Makes of micro-batches the tensors that <c>step.py</c> takes. What depends on lengths alone (buckets of distances, the mask of later
/// positions) is made for the longest so far and kept: for shorter ones it is a corner of that.
/// </summary>
internal sealed class ScriptBatch(T5Config config, Device device, ShapeSteps steps) : IDisposable
{
    private readonly HashSet<(string Of, int Rows, int Columns)> _shapes = [];
    private Tensor? _encoderBuckets;
    private Tensor? _decoderBuckets;
    private Tensor? _future;

    /// <summary>
    /// Distinct shapes so far: numbers of tokens, of the encoder, the decoder and the labels, and sizes of the grids that attention uses.
    /// </summary>
    public int Shapes => _shapes.Count;

    /// <summary>The tensors of a micro-batch, on the device.</summary>
    public ScriptInputs Make(MicroBatch batch)
    {
        // Labels come first, so that each part's tokens lie together.
        var sequences = batch.Sequences.OrderBy(s => s.Part).ToArray();
        var labels = sequences.TakeWhile(s => s.Part == LossPart.Label).ToArray();
        var rationales = sequences[labels.Length..];
        int Padded(IEnumerable<int> lengths) => steps.PaddedTokens(lengths.Sum());
        var sources = Padded(sequences.Select(s => s.Source.Length));
        var (first, second) = (Padded(labels.Select(s => s.Target.Length)), Padded(rationales.Select(s => s.Target.Length)));
        var columns = steps.PaddedLength(sequences.Max(s => s.Source.Length));
        var targetColumns = steps.PaddedLength(sequences.Max(s => s.Target.Length));
        var rows = steps.PaddedRows(sequences.Length);
        while (rows * columns < sources || rows * targetColumns < first + second) rows += steps.Rows;
        Note("sources", 1, sources);
        Note("targets", 1, first + second);
        Note("labels", 1, first);
        Note("grid", rows, columns);
        Note("grid", rows, targetColumns);

        var upload = new Upload(device);
        Source(upload, sequences, rows, columns, sources);
        Target(upload, sequences, labels.Length, rows, targetColumns, first, second);
        var sets = new List<int>();
        if (labels.Length > 0) sets.Add(Part(upload, batch, labels, first));
        if (rationales.Length > 0) sets.Add(Part(upload, batch, rationales, second));
        var sent = upload.Send();
        return new ScriptInputs(
            [sent[0], sent[1], sent[2], sent[3].view(rows, 1, 1, columns), Buckets(columns, decoder: false)],
            [sent[4], sent[5], sent[6], Future(targetColumns), Buckets(targetColumns, decoder: true)],
            [.. sets.SelectMany((count, i) =>
            {
                var part = sent.AsSpan(7 + (5 * i), 5);
                return (Tensor[])[part[0], part[1], part[2], Biases(part[3], count), part[4]];
            })],
            rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoderBuckets?.Dispose();
        _decoderBuckets?.Dispose();
        _future?.Dispose();
    }

    private void Note(string of, int rows, int columns) => _shapes.Add((of, rows, columns));

    private void Source(Upload upload, TrainingSequence[] sequences, int rows, int columns, int tokens)
    {
        int[] lengths = [.. sequences.Select(s => s.Source.Length)];
        var grid = new TokenGrid(lengths, rows, columns, new Dictionary<int, int> { [lengths.Length - 1] = tokens - lengths.Sum() });
        var ids = new long[tokens];
        Array.Fill(ids, config.PadTokenId);
        var mask = new float[rows * columns];
        Array.Fill(mask, (float)T5Model.MaskedScore);
        var at = 0;
        for (var r = 0; r < sequences.Length; r++)
        {
            foreach (var token in sequences[r].Source) ids[at++] = token;
            Array.Clear(mask, r * columns, lengths[r]);
        }

        upload.Add(ids);
        upload.Add(grid.Cells);
        upload.Add(grid.Tokens);
        upload.Add(mask);
    }

    private void Target(Upload upload, TrainingSequence[] sequences, int labels, int rows, int columns, int first, int second)
    {
        int[] lengths = [.. sequences.Select(s => s.Target.Length)];
        var fillers = new Dictionary<int, int>();
        if (labels > 0) fillers[labels - 1] = first - lengths.Take(labels).Sum();
        if (labels < lengths.Length) fillers[lengths.Length - 1] = second - lengths.Skip(labels).Sum();
        var grid = new TokenGrid(lengths, rows, columns, fillers);
        var ids = new long[first + second];
        Array.Fill(ids, config.PadTokenId);
        var at = 0;
        for (var r = 0; r < sequences.Length; r++)
        {
            ids[at] = config.DecoderStartTokenId;
            for (var j = 1; j < lengths[r]; j++) ids[at + j] = sequences[r].Target[j - 1];
            at += lengths[r] + fillers.GetValueOrDefault(r);
        }

        upload.Add(ids);
        upload.Add(grid.Cells);
        upload.Add(grid.Tokens);
    }

    /// <summary>Adds what a part's tokens are compared with; gives how many sets of allowed tokens it has.</summary>
    private int Part(Upload upload, MicroBatch batch, TrainingSequence[] sequences, int tokens)
    {
        var sets = new AllowedTokens();
        var (targets, own) = (new long[tokens], new long[tokens]);
        var (weights, counts) = (new float[tokens], new float[tokens]);
        var at = 0;
        foreach (var sequence in sequences)
        {
            var weight = (float)batch.TokenWeight(sequence);
            for (var j = 0; j < sequence.Target.Length; j++, at++)
            {
                targets[at] = sequence.Target[j];

                // Where a single token is left there is nothing to choose, and no loss.
                if (sequence.Allowed is { } allowed)
                {
                    if (allowed[j].Length == 1) continue;
                    own[at] = sets.Number(allowed[j]);
                }

                (weights[at], counts[at]) = (weight, 1);
            }
        }

        // What counts nothing has a loss too, of which nothing must become of no number.
        for (var i = 0; i < tokens; i++)
        {
            if (counts[i] == 0 && sets.Any is { } any) targets[i] = any;
        }

        upload.Add(targets);
        upload.Add(weights);
        upload.Add(counts);
        upload.Add(sets.Tokens());
        upload.Add(sets.Any is null ? [] : own);
        return sets.Count;
    }

    /// <summary>[sets, V]: what is added to scores, 0 at a set's tokens, otherwise −∞; made on the device, since it is wide.</summary>
    private Tensor Biases(Tensor tokens, int sets)
    {
        var biases = full([sets, config.VocabSize], float.NegativeInfinity, dtype: ScalarType.Float32, device: device);
        if (sets == 0) return biases;
        var index = tokens.view(sets, -1);
        return biases.scatter_(1, index, zeros(index.shape, dtype: ScalarType.Float32, device: device));
    }

    private Tensor Buckets(int length, bool decoder)
    {
        ref var kept = ref decoder ? ref _decoderBuckets : ref _encoderBuckets;
        return Corner(ref kept, length, () => tensor(
            RelativePosition.Buckets(length, length, bidirectional: !decoder, config), [length, length], dtype: ScalarType.Int64,
            device: device));
    }

    private Tensor Future(int length) => Corner(
        ref _future, length, () => full([length, length], T5Model.MaskedScore, dtype: ScalarType.Float32, device: device).triu(1));

    private static Tensor Corner(ref Tensor? kept, int length, Func<Tensor> make)
    {
        if (kept is null || kept.shape[0] < length)
        {
            kept?.Dispose();
            kept = make().DetachFromDisposeScope();
        }

        return kept.narrow(0, 0, length).narrow(1, 0, length);
    }
}
