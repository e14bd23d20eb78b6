using DistillOnnx.Core.T5;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Benchmarks.Training;

/// <summary>The loop that one writes first: a pass for labels and a pass for rationales, padded to the longest, and an
/// optimizer that walks the parameters.</summary>
internal sealed class PlainLoop : IDisposable
{
    private readonly T5Model _model;
    private readonly optim.Optimizer _optimizer;

    public PlainLoop(long seed)
    {
        _model = new T5Model(T5Presets.Load("t5-small"), seed: seed);
        _optimizer = optim.AdamW(_model.parameters(), 1e-4);
        _model.train();
    }

    public void Step(IReadOnlyList<TrainingRow> rows)
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        var loss = 0.5 * Loss([.. rows.Select(r => r.Sequences[0])]);
        if (rows[0].Sequences.Count > 1) loss = loss + (0.5 * Loss([.. rows.Select(r => r.Sequences[1])]));
        loss.backward();
        nn.utils.clip_grad_norm_(_model.parameters(), 1);
        _optimizer.step();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }

    private Tensor Loss(IReadOnlyList<TrainingSequence> sequences)
    {
        var ids = Padded([.. sequences.Select(s => s.Source)], 0);
        var mask = ids.ne(0);
        var targets = Padded([.. sequences.Select(s => s.Target)], -100);
        var hidden = _model.DecodeHidden(_model.ShiftRight(targets), _model.Encode(ids, mask), mask);
        return nn.functional.cross_entropy(_model.Logits(hidden).view(-1, _model.Config.VocabSize), targets.view(-1), ignore_index: -100);
    }

    private static Tensor Padded(int[][] rows, long padding)
    {
        var width = rows.Max(r => r.Length);
        var values = new long[rows.Length * width];
        Array.Fill(values, padding);
        for (var i = 0; i < rows.Length; i++)
        {
            for (var j = 0; j < rows[i].Length; j++) values[(i * width) + j] = rows[i][j];
        }

        return tensor(values, [rows.Length, width]);
    }
}
