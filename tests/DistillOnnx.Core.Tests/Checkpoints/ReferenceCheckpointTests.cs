using System.Runtime.InteropServices;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>Files that other programs wrote.</summary>
public sealed class ReferenceCheckpointTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("t5-v1.0-tiny")]
    [InlineData("t5-v1.0-tiny-fit")]
    [InlineData("t5-v1.1-tiny")]
    public void Open_ReferenceModel_HoldsExactlyTheLayout(string model)
    {
        using var checkpoint = Checkpoint.Open(SharedData.Require($"reference/{model}"));
        Assert.Equal(T5Layout.Enumerate(checkpoint.Config).Select(t => t.Name).Order(), checkpoint.Tensors.Tensors.Keys.Order());
        Assert.Equal(checkpoint.Config.ParameterCount, checkpoint.Tensors.Tensors.Values.Sum(t => t.ElementCount));
        Assert.EndsWith("read from model.safetensors: pytorch_model.bin", Assert.Single(checkpoint.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("t5-v1.0-tiny")]
    [InlineData("t5-v1.0-tiny-fit")]
    [InlineData("t5-v1.1-tiny")]
    public void Open_PyTorchFileOfTheSameModel_HasTheSameBits(string model)
    {
        var source = SharedData.Require($"reference/{model}");
        foreach (var name in (string[])["config.json", "pytorch_model.bin"])
            File.Copy(Path.Combine(source, name), Path.Combine(_directory.Path, name));
        using var expected = Checkpoint.Open(source);
        using var found = Checkpoint.Open(_directory.Path);
        Assert.Equal(expected.Tensors.Tensors.Count, found.Tensors.Tensors.Count);
        foreach (var tensor in expected.Tensors.Tensors.Values)
        {
            var (a, b) = (new float[tensor.ElementCount], new float[tensor.ElementCount]);
            expected.Tensors.ReadFloat32(tensor.Name, a);
            found.Tensors.ReadFloat32(tensor.Name, b);
            Assert.True(MemoryMarshal.AsBytes<float>(a).SequenceEqual(MemoryMarshal.AsBytes<float>(b)), tensor.Name);
            Assert.Contains(a, v => v != 0);
        }
    }

    public void Dispose() => _directory.Dispose();
}
