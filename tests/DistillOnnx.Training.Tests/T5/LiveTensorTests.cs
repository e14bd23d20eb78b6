using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.Engines;
using DistillOnnx.Training.Tests.Trainer;
using DistillOnnx.Training.Trainer;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Nothing is left over. The count is the thread's, so other tests may run beside these.</summary>
public sealed class LiveTensorTests
{
    [Fact]
    public void Steps_Many_KeepTheLiveTensorCountFlat()
    {
        using var model = TinyModels.Create("v1.1");
        model.train();
        using var batch = PaddedBatch.Create(TinyModels.Tokens(model, 1, 13, 1, 6), 0, CPU);
        using var targets = PlainParityTests.Padded(TinyModels.Tokens(model, 2, 9, 4, 1));
        void Step()
        {
            using var scope = NewDisposeScope();
            model.zero_grad();
            model.TargetLoss(model.DecodeHidden(model.ShiftRight(targets), model.Encode(batch.Ids, batch.Mask), batch.Mask), targets)
                .backward();
            new StudentGenerator(model).Greedy(batch, 3);
            new StudentGenerator(model).Beam(batch, 2, 3);
        }

        for (var i = 0; i < 3; i++) Step();
        var before = LiveTensorCounts.Now;
        for (var i = 0; i < 20; i++) Step();
        Assert.Equal(before, LiveTensorCounts.Now);
    }

    /// <summary>A student of exact GELU, which the engine for the CPU lacks, trains in float32 with the engine for every device.</summary>
    [Theory]
    [InlineData(TrainingPrecision.Fp32, "relu", OptimizerKind.AdamW)]
    [InlineData(TrainingPrecision.Fp32, "relu", OptimizerKind.Adafactor)]
    [InlineData(TrainingPrecision.Fp32, "gelu", OptimizerKind.AdamW)]
    [InlineData(TrainingPrecision.Fp32, "gelu", OptimizerKind.Adafactor)]
    [InlineData(TrainingPrecision.Bf16, "relu", OptimizerKind.AdamW)]
    [InlineData(TrainingPrecision.Bf16, "relu", OptimizerKind.Adafactor)]
    public void Training_OfEveryEngine_KeepsTheLiveTensorCountLevelAndLeavesNone(
        TrainingPrecision precision, string activation, OptimizerKind optimizer)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with
        {
            Student = TinyTask.Shape(directory, activation),
            Precision = precision,
            Optimizer = optimizer,
            MicroBatchTokens = 200,
            MaxSteps = 16,
        };
        var counts = new LiveTensorCounts();
        var before = LiveTensorCounts.Now;

        StudentTrainer.Run(options with { KeepResume = true }, counts, TestContext.Current.CancellationToken);

        // Evaluations and saves lie between the steps; the first steps grow the buffers that are kept. A step before an evaluation has
        // no next one under way while it is counted.
        Assert.Equal(counts.ByStep[9], counts.ByStep[10]);
        Assert.Equal(counts.ByStep[9], counts.ByStep[14]);
        Assert.Equal(before, LiveTensorCounts.Now);

        var resumed = new LiveTensorCounts();
        StudentTrainer.Run(options with { Resume = true, MaxSteps = 20 }, resumed, TestContext.Current.CancellationToken);
        Assert.Equal(resumed.ByStep[18], resumed.ByStep[19]);
        Assert.Equal(before, LiveTensorCounts.Now);
    }

    [Fact]
    public void Engines_MadeAndDisposed_LeaveNoTensor()
    {
        var before = LiveTensorCounts.Now;
        using (var model = TinyModels.Create("v1.0"))
        {
            var made = LiveTensorCounts.Now;
            foreach (var make in new Func<IStudentEngine>[] { () => new ScriptEngine(model), () => new UnpaddedEngine(model) })
            {
                using (var engine = make()) engine.Accumulate(EngineGradientTests.Batch(37, 8, 12), seed: 1, first: true).Dispose();
                Assert.Equal(made, LiveTensorCounts.Now);
            }
        }

        Assert.Equal(before, LiveTensorCounts.Now);
    }
}
