using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
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
}
