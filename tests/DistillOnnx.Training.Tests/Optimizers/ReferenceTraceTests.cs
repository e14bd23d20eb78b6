using System.Runtime.InteropServices;
using System.Text.Json;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Tests.Optimizers;

/// <summary>Ten optimizer steps follow the reference implementation's.</summary>
public sealed class ReferenceTraceTests
{
    public static TheoryData<string, string, OptimizerKind, double, double, bool> Traces()
    {
        var traces = new TheoryData<string, string, OptimizerKind, double, double, bool>();
        foreach (var model in (string[])["t5-v1.0-tiny", "t5-v1.1-tiny", "t5-v1.0-tiny-fit"])
        {
            foreach (var padded in (bool[])[false, true])
            {
                traces.Add(model, "adamw_lr1e-3_wd0.01", OptimizerKind.AdamW, 1e-3, 0.01, padded);
                traces.Add(model, "adamw_lr5e-5_wd0_hf_trainer_default", OptimizerKind.AdamW, 5e-5, 0, padded);
                traces.Add(model, "adafactor_lr1e-3_noscale", OptimizerKind.Adafactor, 1e-3, 0, padded);
            }
        }

        return traces;
    }

    [Theory, MemberData(nameof(Traces))]
    public void Step_TenTimes_FollowsTheReferenceTrace(
        string model, string trace, OptimizerKind kind, double learningRate, double weightDecay, bool padded)
    {
        var directory = SharedData.Require($"reference/{model}");
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "reference.json")));
        var expected = json.RootElement.GetProperty("loss_traces").GetProperty(trace).EnumerateArray().Select(v => v.GetDouble()).ToArray();
        var batch = Batch(json.RootElement);
        var losses = Trace(directory, batch, kind, learningRate, weightDecay, padded, expected.Length);

        // The fitted model's gradients are differences of nearly equal numbers, and Adafactor divides them by their own size, so what
        // rounding leaves of them steers. How far is measured: by as much as a change in the weights' last bit moves the losses.
        // In double precision the modules end up 9e-4 from the reference's float32 trace, between the padded engine (4e-4) and the
        // other (1.3e-3).
        var tolerance = 1e-4;
        if (model.EndsWith("-fit", StringComparison.Ordinal) && kind == OptimizerKind.Adafactor)
        {
            for (var seed = 1; seed <= 4; seed++)
            {
                var nudged = Trace(directory, batch, kind, learningRate, weightDecay, padded, expected.Length, seed);
                tolerance = Math.Max(tolerance, losses.Zip(nudged, (a, b) => Math.Abs(a - b) / a).Max());
            }

            tolerance = Math.Min(2 * tolerance, 3e-3);
        }

        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], losses[i], tolerance * expected[i]);
    }

    private static double[] Trace(
        string directory, MicroBatch batch, OptimizerKind kind, double learningRate, double weightDecay, bool padded, int steps,
            int? nudge = null)
    {
        using var checkpoint = Checkpoint.Open(directory);
        using var student = new T5Model(checkpoint.Config with { DropoutRate = 0 });
        student.LoadWeights(checkpoint);
        using IStudentEngine engine = padded ? new ScriptEngine(student) : new UnpaddedEngine(student);
        using var optimizer = Optimizer.Create(kind, engine.Weights, student, weightDecay, scaleParameter: false);
        if (nudge is { } seed)
        {
            var random = new Random(seed);
            var weights = MemoryMarshal.Cast<byte, float>(engine.Weights.bytes);
            foreach (ref var weight in weights) weight = random.Next(2) == 0 ? weight : MathF.BitIncrement(weight);
            engine.WeightsChanged();
        }

        var losses = new double[steps];
        for (var step = 1; step <= steps; step++)
        {
            losses[step - 1] = engine.Evaluate(batch).Label;
            engine.Accumulate(batch, seed: 0, first: true).Dispose();
            optimizer.Step(engine.Weights, engine.Gradients, 1, learningRate, step);
        }

        return losses;
    }

    private static MicroBatch Batch(JsonElement reference)
    {
        int[][] Rows(string name) =>
            [.. reference.GetProperty(name).EnumerateArray().Select(r => r.EnumerateArray().Select(v => v.GetInt32()).ToArray())];
        var (ids, mask, labels) = (Rows("input_ids"), Rows("attention_mask"), Rows("labels"));
        var sequences = ids.Select(
            (row, i) => new TrainingSequence(
                [.. row.Where((_, j) => mask[i][j] == 1)], [.. labels[i].Where(v => v != -100)], LossPart.Label)).ToList();
        return new MicroBatch(sequences, 1.0 / sequences.Sum(s => s.Target.Length), 0);
    }
}
