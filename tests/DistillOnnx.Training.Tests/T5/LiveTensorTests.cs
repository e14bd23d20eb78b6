using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.Trainer;
using DistillOnnx.Training.Trainer;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Nothing is left over. The count is the process's, so this runs while no other test does.</summary>
[Collection(nameof(LiveTensorTests))]
[CollectionDefinition(nameof(LiveTensorTests), DisableParallelization = true)]
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
            model.TargetLoss(model.DecodeHidden(model.ShiftRight(targets), model.Encode(batch.Ids, batch.Mask), batch.Mask), targets).backward();
            new StudentGenerator(model).Greedy(batch, 3);
            new StudentGenerator(model).Beam(batch, 2, 3);
        }

        for (var i = 0; i < 3; i++) Step();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 20; i++) Step();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Theory]
    [InlineData(TrainingPrecision.Fp32, OptimizerKind.AdamW)]
    [InlineData(TrainingPrecision.Fp32, OptimizerKind.Adafactor)]
    public async Task Training_OfEitherEngine_KeepsTheLiveTensorCountFlat(TrainingPrecision precision, OptimizerKind optimizer)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Precision = precision, Optimizer = optimizer, MaxSteps = 16 };

        // What earlier tests left to the collector must not go while this one counts.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var counts = new LiveTensorCounts();
        await StudentTrainer.RunAsync(options, counts, TestContext.Current.CancellationToken);

        Assert.Equal(counts.ByStep[8], counts.ByStep[16]);
    }
}
