using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tests.Checkpoints;

namespace DistillOnnx.Core.Tests.T5;

public class T5LayoutTests
{
    [Fact]
    public void Enumerate_UnequalDepthAndNarrowHeads_NamesEveryWeightOnce()
    {
        var tensors = T5Layout.Enumerate(TinyModel.Config(tied: false, gated: true)).ToDictionary(t => t.Name);
        string[] encoder =
        [
            "layer.0.SelfAttention.q", "layer.0.SelfAttention.k", "layer.0.SelfAttention.v", "layer.0.SelfAttention.o",
            "layer.0.layer_norm",
            "layer.1.DenseReluDense.wi_0", "layer.1.DenseReluDense.wi_1", "layer.1.DenseReluDense.wo", "layer.1.layer_norm",
        ];
        string[] decoder =
        [
            "layer.0.SelfAttention.q", "layer.0.SelfAttention.k", "layer.0.SelfAttention.v", "layer.0.SelfAttention.o",
            "layer.0.layer_norm",
            "layer.1.EncDecAttention.q", "layer.1.EncDecAttention.k", "layer.1.EncDecAttention.v", "layer.1.EncDecAttention.o",
            "layer.1.layer_norm",
            "layer.2.DenseReluDense.wi_0", "layer.2.DenseReluDense.wi_1", "layer.2.DenseReluDense.wo", "layer.2.layer_norm",
        ];
        string[] expected =
        [
            "shared.weight", "lm_head.weight", "encoder.final_layer_norm.weight", "decoder.final_layer_norm.weight",
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            .. encoder.Select(n => $"encoder.block.0.{n}.weight"),
            .. decoder.Select(n => $"decoder.block.0.{n}.weight"),
            .. decoder.Select(n => $"decoder.block.1.{n}.weight"),
        ];
        Assert.Equal(expected.Order(), tensors.Keys.Order());
        Assert.Equal([8, 6], tensors["decoder.block.1.layer.1.EncDecAttention.k.weight"].Shape);
        Assert.Equal([6, 8], tensors["decoder.block.1.layer.1.EncDecAttention.o.weight"].Shape);
        Assert.Equal([4, 2], tensors["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"].Shape);
        Assert.Equal([6, 10], tensors["encoder.block.0.layer.1.DenseReluDense.wo.weight"].Shape);
    }

    [Fact]
    public void Enumerate_UmT5_HasABiasInEveryBlock()
    {
        var config = TinyModel.Config(tied: false, gated: true) with { ModelType = "umt5" };
        Assert.Equal(
            ["encoder.block.0", "decoder.block.0", "decoder.block.1"],
            T5Layout.Enumerate(config).Where(t => t.Name.EndsWith("relative_attention_bias.weight")).Select(t => t.Name[..15]));
        Assert.Equal(config.ParameterCount, T5Layout.Enumerate(config).Sum(t => t.ElementCount));
    }

    [Fact]
    public void Enumerate_LargestShape_AllocatesOnlyNames()
    {
        var config = T5Presets.Load("t5-v1_1-xxl");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(44_541_329_408, T5Layout.Enumerate(config).Sum(t => t.ByteCount));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Validate_MissingTensor_NamesItAndItsShape()
    {
        var config = TinyModel.Config();
        var tensors = T5Layout.Enumerate(config).ToDictionary(t => t.Name);
        T5Layout.Validate(config, tensors, "x");
        tensors.Remove("decoder.block.1.layer.1.layer_norm.weight");
        var message = Assert.Throws<InputException>(() => T5Layout.Validate(config, tensors, "file.bin")).Message;
        Assert.StartsWith("file.bin: tensor \"decoder.block.1.layer.1.layer_norm.weight\" is missing", message);
        Assert.Contains("[6]", message);
    }

    [Fact]
    public void Validate_IntegerWeights_AreRefused()
    {
        var config = TinyModel.Config();
        var tensors = T5Layout.Enumerate(config, TensorType.Int8).ToDictionary(t => t.Name);
        Assert.Contains("found I8", Assert.Throws<InputException>(() => T5Layout.Validate(config, tensors, "x")).Message);
    }
}
