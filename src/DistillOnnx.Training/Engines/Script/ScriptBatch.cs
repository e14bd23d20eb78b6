using DistillOnnx.Core.T5;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// A micro-batch as the tensors that <c>step.py</c> takes. What depends on lengths alone (buckets of distances, the mask of later
/// positions) is made for the longest so far and kept: for shorter ones it is a corner of that.
/// </summary>
internal sealed class ScriptBatch(T5Config config, Device device, ShapeSteps steps) : IDisposable
{
    private readonly HashSet<(int Rows, int Length, LossPart? Part)> _shapes = [];
    private Tensor? _encoderBuckets;
    private Tensor? _decoderBuckets;
    private Tensor? _future;

    /// <summary>Distinct shapes so far: of the encoder, and of the decoder by part.</summary>
    public int Shapes => _shapes.Count;

    /// <summary>int64 [B, S], padding is the pad token.</summary>
    public Tensor Sources(MicroBatch batch, out Tensor mask)
    {
        var rows = steps.PaddedRows(batch.Sequences.Count);
        var length = steps.PaddedLength(batch.Sequences.Max(s => s.Source.Length));
        _shapes.Add((rows, length, null));
        var ids = new long[rows * length];
        var bias = new float[rows * length];
        Array.Fill(ids, config.PadTokenId);
        Array.Fill(bias, (float)T5Model.MaskedScore);
        for (var i = 0; i < batch.Sequences.Count; i++)
        {
            var source = batch.Sequences[i].Source;
            for (var j = 0; j < source.Length; j++) (ids[(i * length) + j], bias[(i * length) + j]) = (source[j], 0);
        }

        mask = Upload(tensor(bias, [rows, 1, 1, length]));
        return Upload(tensor(ids, [rows, length]));
    }

    /// <summary>Buckets of the encoder's distances: int64 [S, S].</summary>
    public Tensor EncoderBuckets(long length) => Buckets((int)length, decoder: false);

    /// <summary>The nine tensors of a part, as <c>step.py</c> lists them; none where the batch has no sequence of that part.</summary>
    public Tensor[] Part(MicroBatch batch, LossPart part)
    {
        var chosen = Enumerable.Range(0, batch.Sequences.Count).Where(i => batch.Sequences[i].Part == part).ToArray();
        if (chosen.Length == 0) return [];
        var rows = Math.Min(steps.PaddedRows(chosen.Length), steps.PaddedRows(batch.Sequences.Count));
        var length = steps.PaddedLength(chosen.Max(i => batch.Sequences[i].Target.Length));
        _shapes.Add((rows, length, part));

        // Rows that only fill up attend to the first source and have no target, so nothing comes back from them.
        var source = new long[rows];
        var inputs = new long[rows * length];
        Array.Fill(inputs, config.PadTokenId);
        var (positions, targets, weights) = (new List<long>(), new List<long>(), new List<float>());
        var sets = new AllowedTokens(config.VocabSize);
        for (var r = 0; r < rows; r++)
        {
            inputs[r * length] = config.DecoderStartTokenId;
            if (r >= chosen.Length) continue;
            source[r] = chosen[r];
            var sequence = batch.Sequences[chosen[r]];
            var weight = (float)batch.TokenWeight(sequence);
            for (var j = 0; j < sequence.Target.Length; j++)
            {
                if (j + 1 < sequence.Target.Length) inputs[(r * length) + j + 1] = sequence.Target[j];
                if (sequence.Allowed is { } allowed)
                {
                    // Where a single token is left there is nothing to choose, and no loss.
                    if (allowed[j].Length == 1) continue;
                    sets.Add(allowed[j]);
                }

                positions.Add((r * length) + j);
                targets.Add(sequence.Target[j]);
                weights.Add(weight);
            }
        }

        return
        [
            Upload(tensor(source)), Upload(tensor(inputs, [rows, length])), Future(length), Buckets(length, decoder: true),
            Upload(tensor(positions.ToArray())), Upload(tensor(targets.ToArray())), Upload(tensor(weights.ToArray())),
            Upload(sets.Biases()), Upload(sets.Chosen()),
        ];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoderBuckets?.Dispose();
        _decoderBuckets?.Dispose();
        _future?.Dispose();
    }

    /// <summary>From pinned memory a copy to a GPU does not wait for the work before it.</summary>
    private Tensor Upload(Tensor host) =>
        device.type == TorchSharp.DeviceType.CPU ? host : host.pin_memory().to(device, non_blocking: true);

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
