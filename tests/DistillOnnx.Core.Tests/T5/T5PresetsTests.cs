using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Core.Tests.T5;

public class T5PresetsTests
{
    // The published models' numbers of parameters, tied embeddings counted once.
    [Theory]
    [InlineData("t5-small", 60_506_624)]
    [InlineData("t5-base", 222_903_552)]
    [InlineData("t5-large", 737_668_096)]
    [InlineData("t5-3b", 2_851_598_336)]
    [InlineData("t5-11b", 11_307_321_344)]
    [InlineData("t5-v1_1-small", 76_961_152)]
    [InlineData("t5-v1_1-base", 247_577_856)]
    [InlineData("t5-v1_1-large", 783_150_080)]
    [InlineData("t5-v1_1-xl", 2_849_757_184)]
    [InlineData("t5-v1_1-xxl", 11_135_332_352)]
    public void Load_PublishedShape_HasThePublishedNumberOfParameters(string name, long parameters)
    {
        var config = T5Presets.Load(name);
        Assert.Equal(parameters, config.ParameterCount);
        Assert.Equal(parameters, T5Layout.Enumerate(config).Sum(t => t.ElementCount));
    }

    [Fact]
    public void Names_Always_LoadAndValidate()
    {
        Assert.Contains("t5-tiny", T5Presets.Names);
        foreach (var name in T5Presets.Names)
        {
            Assert.True(T5Presets.Contains(name));
            Assert.Empty(T5Presets.Load(name).Validate());
        }
    }

    [Fact]
    public void Load_UnknownName_ListsTheKnown() =>
        Assert.Contains("t5-small", Assert.Throws<InputException>(() => T5Presets.Load("t5-huge")).Message);
}
