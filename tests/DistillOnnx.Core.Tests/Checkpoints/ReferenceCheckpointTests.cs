using DistillOnnx.Core.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Core.Tests.Checkpoints;

public class ReferenceCheckpointTests
{
    [Theory]
    [InlineData("t5-v1.0-tiny")]
    [InlineData("t5-v1.0-tiny-fit")]
    [InlineData("t5-v1.1-tiny")]
    public void Open_ReferenceModel_HoldsExactlyTheLayout(string model)
    {
        using var checkpoint = Checkpoint.Open(SharedData.Require($"reference/{model}"));
        Assert.Equal(T5Layout.Enumerate(checkpoint.Config).Select(t => t.Name).Order(), checkpoint.Tensors.Tensors.Keys.Order());
        Assert.Equal(checkpoint.Config.ParameterCount, checkpoint.Tensors.Tensors.Values.Sum(t => t.ElementCount));
        Assert.Empty(checkpoint.Notes);
    }
}
