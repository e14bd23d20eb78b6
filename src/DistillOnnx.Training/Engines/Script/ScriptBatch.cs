using DistillOnnx.Core.T5;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Makes of micro-batches the tensors that <c>step.py</c> takes. What depends on lengths alone (buckets of distances, the mask of later
/// positions) is made for the longest so far and kept: for shorter ones it is a corner of that.
/// </summary>
internal sealed class ScriptBatch(T5Config config, Device device, ShapeSteps steps) : IDisposable
{
    private readonly HashSet<BatchShape> _shapes = [];
    private Tensor? _encoderBuckets;
    private Tensor? _decoderBuckets;
    private Tensor? _future;

    /// <summary>Distinct shapes so far.</summary>
    public int Shapes => _shapes.Count;

    /// <summary>The arrays of a micro-batch, filled up to a shape that was there before where one costs little more.</summary>
    /// <param name="batch">The sequences.</param>
    /// <param name="keep">Whether later batches may be filled up to its shape: those of training, so that what is evaluated in between
    /// changes nothing.</param>
    public HostBatch Make(MicroBatch batch, bool keep = true)
    {
        // Labels come first, so that each part's tokens lie together.
        var sequences = batch.Sequences.OrderBy(s => s.Part).ToArray();
        var labels = sequences.TakeWhile(s => s.Part == LossPart.Label).ToArray();
        var rationales = sequences[labels.Length..];
        var sets = new AllowedTokens();
        var parts = new[] { labels, rationales }.Where(p => p.Length > 0).Select(p => new PartTokens(batch, p, sets)).ToArray();
        var (shape, plan) = Shape(sequences, labels.Sum(s => s.Target.Length), rationales.Sum(s => s.Target.Length), sets, keep);
        var arrays = new Upload(device);
        Source(arrays, sequences, shape, plan);
        Target(arrays, sequences, labels.Length, shape, plan);
        foreach (var part in parts) part.AddTo(arrays, part.IsLabels ? shape.Labels : shape.Rationales);
        arrays.Add(sets.Tokens(shape.Sets, shape.SetTokens));
        return new HostBatch(shape, arrays);
    }

    /// <summary>Brings a batch to the device.</summary>
    /// <param name="batch">What <see cref="Make"/> gave.</param>
    public ScriptInputs Send(HostBatch batch)
    {
        var room = batch.Arrays.Room();
        batch.Arrays.CopyTo(room);
        return Inputs(batch, room);
    }

    /// <summary>The arrays as tensors on the device, with what depends on lengths alone.</summary>
    /// <param name="batch">What <see cref="Make"/> gave.</param>
    /// <param name="room">Where its arrays lie on the device.</param>
    public ScriptInputs Inputs(HostBatch batch, (Tensor Whole, Tensor Single) room)
    {
        var (shape, sent) = (batch.Shape, batch.Arrays.Views(room));
        var sets = sent[^1].view(shape.Sets, shape.SetTokens);
        return new ScriptInputs(
            [sent[0], sent[1], sent[2], sent[3].view(shape.Rows, shape.SourceColumns), Buckets(shape.SourceColumns, decoder: false)],
            [
                sent[4], sent[5], sent[6], sent[7].view(shape.Rows, shape.TargetColumns), Buckets(shape.TargetColumns, decoder: true),
                Future(shape.TargetColumns),
            ],
            sent[8..^1], sets, shape.Rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoderBuckets?.Dispose();
        _decoderBuckets?.Dispose();
        _future?.Dispose();
    }

    private (BatchShape Shape, GridPlan Plan) Shape(
        TrainingSequence[] sequences, int labels, int rationales, AllowedTokens sets, bool keep)
    {
        var sources = steps.PaddedTokens(sequences.Sum(s => s.Source.Length));
        var (first, second) = (steps.PaddedTokens(labels), steps.PaddedTokens(rationales));
        var columns = steps.PaddedLength(Math.Max(sequences.Max(s => s.Source.Length), steps.Block));
        var plan = new GridPlan(sequences, columns, steps.PaddedLength(Math.Max(sequences.Max(s => s.Target.Length), steps.Block)));
        var targetColumns = steps.PaddedLength(plan.TargetColumns);
        var rows = steps.PaddedRows(plan.Rows);
        while (rows * columns < sources || rows * targetColumns < first + second) rows += steps.Rows;
        var shape = new BatchShape(
            rows, columns, targetColumns, sources, first, second, steps.PaddedRows(sets.Count), steps.PaddedRows(sets.Largest));
        if (steps != ShapeSteps.None && shape.Within(_shapes) is { } known) return (known, plan);
        if (keep) _shapes.Add(shape);
        return (shape, plan);
    }

    private void Source(Upload upload, TrainingSequence[] sequences, BatchShape shape, GridPlan plan)
    {
        int[] lengths = [.. sequences.Select(s => s.Source.Length)];
        int[] starts = [.. sequences.Select((_, i) => (plan.Row(i) * shape.SourceColumns) + plan.Source(i))];
        var fillers = new Dictionary<int, int> { [lengths.Length - 1] = shape.Sources - lengths.Sum() };
        var ids = new long[shape.Sources];
        Array.Fill(ids, config.PadTokenId);
        var at = 0;
        foreach (var token in sequences.SelectMany(s => s.Source)) ids[at++] = token;
        Grid(upload, ids, new TokenGrid(starts, lengths, shape.Rows * shape.SourceColumns, fillers));
    }

    private void Target(Upload upload, TrainingSequence[] sequences, int labels, BatchShape shape, GridPlan plan)
    {
        int[] lengths = [.. sequences.Select(s => s.Target.Length)];
        int[] starts = [.. sequences.Select((_, i) => (plan.Row(i) * shape.TargetColumns) + plan.Target(i))];
        var fillers = new Dictionary<int, int>();
        if (labels > 0) fillers[labels - 1] = shape.Labels - lengths.Take(labels).Sum();
        if (labels < lengths.Length) fillers[lengths.Length - 1] = shape.Rationales - lengths.Skip(labels).Sum();
        var ids = new long[shape.Targets];
        Array.Fill(ids, config.PadTokenId);
        var at = 0;
        for (var r = 0; r < sequences.Length; r++)
        {
            ids[at] = config.DecoderStartTokenId;
            for (var j = 1; j < lengths[r]; j++) ids[at + j] = sequences[r].Target[j - 1];
            at += lengths[r] + fillers.GetValueOrDefault(r);
        }

        Grid(upload, ids, new TokenGrid(starts, lengths, shape.Rows * shape.TargetColumns, fillers));
    }

    private static void Grid(Upload upload, long[] ids, TokenGrid grid)
    {
        upload.Add(ids);
        upload.Add(grid.Cells);
        upload.Add(grid.Tokens);
        upload.Add(grid.Sequences);
    }

    private Tensor Buckets(int length, bool decoder)
    {
        ref var kept = ref decoder ? ref _decoderBuckets : ref _encoderBuckets;
        return Corner(ref kept, length, () => tensor(
            RelativePosition.Buckets(length, length, bidirectional: !decoder, config), [length, length], dtype: ScalarType.Int64,
            device: device));
    }

    private Tensor Future(int length) => Corner(
        ref _future, length, () => TensorMath.Constant([length, length], T5Model.MaskedScore, ScalarType.Float32, device).triu(1));

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
