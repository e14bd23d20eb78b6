using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Tests.Fixtures;
using DistillOnnx.Runtime.Tests.Labels;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests.Generation;

/// <summary>Tokens chosen in the graph, and caches reordered by one, on the processor: the same ids as chosen from logits.</summary>
public sealed class TokenChoiceTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Generate_ChosenInTheGraph_GivesTheSameIds(bool merged)
    {
        using var bundle = TinyBundle.Create(TinyBundle.TextTask);
        if (!merged) File.Delete(Path.Combine(bundle.Directory, BundleFiles.Graph(BundleFiles.DecoderMerged, "fp32")));
        using var plain = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 1 });
        using var chosen = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 1, BindRuns = true });
        int[][] inputs = [.. BoundRunsTests.Inputs(7).Select(i => plain.Encoder.EncodeInput(i.Text, out _))];
        Assert.True(chosen.TextGenerator().Decoder.ChoosesTokens);
        foreach (var beams in (ReadOnlySpan<int>)[1, 2, 4])
        {
            foreach (var least in (ReadOnlySpan<int>)[0, 3])
            {
                var options = new GenerationOptions { Beams = beams, MaxNewTokens = 9, MinNewTokens = least };
                Assert.Equal(
                    plain.TextGenerator().Generate(inputs, options, TestContext.Current.CancellationToken),
                    chosen.TextGenerator().Generate(inputs, options, TestContext.Current.CancellationToken));
            }
        }
    }

    [Fact]
    public void Score_DecoderThatChoosesTokens_GivesTheSameLabels()
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask);
        var options = new RuntimeOptions { Device = "cpu", Threads = 1, Graph = GraphChoice.Decoder };
        using var plain = BundlePredictor.Open(bundle.Directory, options);
        using var chosen = BundlePredictor.Open(bundle.Directory, options with { BindRuns = true });
        var inputs = BoundRunsTests.Inputs(5);
        BoundRunsTests.AssertSame(
            plain.Predict(inputs, TestContext.Current.CancellationToken), chosen.Predict(inputs, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Generate_WeightsThatAreNoNumbers_IsRefused(int beams)
    {
        using var bundle = TinyBundle.Create(TinyBundle.TextTask);
        NanWeights.SpoilTilde(bundle.CheckpointDirectory, bundle.Directory);
        using var chosen = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 1, BindRuns = true });
        Assert.Throws<InferenceException>(() => chosen.TextGenerator().Generate(
            [chosen.Encoder.EncodeInput("it ~ is", out _)], new GenerationOptions { Beams = beams, MaxNewTokens = 4 },
            TestContext.Current.CancellationToken));
    }
}
