using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Tests.Fixtures;
using DistillOnnx.Runtime.Tests.Labels;

namespace DistillOnnx.Runtime.Tests;

/// <summary>What bundles answer on ONNX Runtime's CUDA provider, against the CPU. Skipped where there is no GPU.</summary>
public sealed class CudaTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("fp32", 1e-4)]
    [InlineData("fp16", 2e-2)]
    public void Predict_OnCuda_AnswersAsTheCpu(string precision, double tolerance)
    {
        RequireCuda();
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, ["fp32", .. precision == "fp32" ? (string[])[] : [precision]]);
        using var cpu = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Precision = "fp32" });
        using var gpu = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cuda:0", Precision = precision });
        var inputs = BoundRunsTests.Inputs(90);
        var expected = cpu.Predict(inputs, Token);

        // Twice: the first run of a shape records its kernels, the second starts what was recorded.
        for (var round = 0; round < 2; round++) BoundRunsTests.AssertSame(expected, gpu.Predict(inputs, Token), tolerance);
        for (var i = 0; i < 20; i++) BoundRunsTests.AssertSame([expected[i]], gpu.Predict([inputs[i]], Token), tolerance);
        Assert.Empty(gpu.Bundle.Notes);
    }

    [Fact]
    public void Predict_OnCudaRandomShapes_BindsFewAndAnswersTheSame()
    {
        RequireCuda();
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        using var gpu = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cuda:0" });
        var inputs = BoundRunsTests.Inputs(40);
        var expected = inputs.Select(i => gpu.Predict([i], Token)[0]).ToArray();
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            var chosen = Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Next(inputs.Length)).ToArray();
            BoundRunsTests.AssertSame(
                Array.ConvertAll(chosen, c => expected[c]), gpu.Predict(Array.ConvertAll(chosen, c => inputs[c]), Token), 1e-4);
        }

        Assert.InRange(gpu.Bundle.LabelModel().BoundShapes, 1, 40);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Generate_OnCuda_GivesTheIdsOfTheCpu(int beams)
    {
        RequireCuda();
        using var bundle = TinyBundle.Create(TinyBundle.TextTask, precisions: ["fp32", "fp16"]);
        using var cpu = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cpu" });
        using var gpu = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cuda:0", Precision = "fp32" });
        using var half = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cuda:0", Precision = "fp16" });
        int[][] inputs = [.. BoundRunsTests.Inputs(12).Select(i => cpu.Encoder.EncodeInput(i.Text, out _))];
        var options = new GenerationOptions { Beams = beams, MaxNewTokens = 8 };
        var expected = cpu.TextGenerator().Generate(inputs, options, Token);

        Assert.Equal(expected, gpu.TextGenerator().Generate(inputs, options, Token));

        // A random student is undecided, so half precision may turn some choices; not most.
        var found = half.TextGenerator().Generate(inputs, options, Token);
        Assert.InRange(expected.Zip(found).Count(p => p.First.SequenceEqual(p.Second)), inputs.Length / 2, inputs.Length);
    }

    private static void RequireCuda() => Assert.SkipUnless(
        OnnxRuntimeInfo.ExecutionProviders().Contains("CUDAExecutionProvider") && CudaDriver.IsPresent(),
        "this build or machine has no CUDA device");
}
