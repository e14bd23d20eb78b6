using DistillOnnx.Core.T5;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.Trainer;
using DistillOnnx.Training.Trainer;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Engines;

/// <summary>What training computes on a CUDA device, against the CPU. Skipped where there is no such device.</summary>
public sealed class CudaTests
{
    /// <summary>Norm of the difference over the norm: full float32; TF32, whose inputs have 10 bits; bf16, whose have 7.</summary>
    [Theory]
    [InlineData(false, false, 1e-5)]
    [InlineData(true, false, 2e-2)]
    [InlineData(false, true, 5e-2)]
    public void Accumulate_OnCuda_GivesTheGradientOfTheCpu(bool tf32, bool bf16, double tolerance)
    {
        RequireCuda();
        using var scope = NewDisposeScope();
        var batch = EngineGradientTests.Batch(70, 24, longest: 60);
        foreach (var activation in new[] { T5Activation.Relu, T5Activation.GeluNew })
        {
            var config = EngineGradientTests.Config(activation, gated: activation != T5Activation.Relu, tied: true, 64, 16, 4);
            using var here = new T5Model(config, seed: 3);
            using var there = new T5Model(config, CUDA, seed: 3);
            there.FlatParameters.detach().copy_(here.FlatParameters.detach());
            using var expected = new UnpaddedEngine(here);
            using var actual = StudentEngines.Create(
                there, bf16 ? TrainingPrecision.Bf16 : TrainingPrecision.Fp32, tf32, recompute: false, new Messages());
            using var loss = expected.Accumulate(batch, seed: 1, first: true);
            using var found = actual.Accumulate(batch, seed: 1, first: true);

            Assert.IsType<ScriptEngine>(actual);
            Assert.Equal(loss.Read().Label, found.Read().Label, tolerance * loss.Read().Label);
            var gradient = expected.Gradients;
            var difference = (gradient - actual.Gradients.cpu()).norm().item<float>() / gradient.norm().item<float>();
            Assert.InRange(difference, 0, tolerance);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void FusedKernels_OnCuda_GiveWhatPlainOperationsGive(ScalarType type)
    {
        RequireCuda();
        Assert.Null(FusedKernels.WhyNot(CUDA, type, 64));
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW, false)]
    [InlineData(OptimizerKind.AdamW, true)]
    [InlineData(OptimizerKind.Adafactor, false)]
    public void Step_OnCuda_UpdatesAsTheCpu(OptimizerKind kind, bool scaled)
    {
        RequireCuda();
        using var scope = NewDisposeScope();
        using var here = new T5Model(EngineGradientTests.Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        using var there = new T5Model(here.Config, CUDA, seed: 3);
        var weights = here.FlatParameters.detach();
        var copies = there.FlatParameters.detach();
        copies.copy_(weights);
        using var one = Optimizer.Create(kind, weights, here, weightDecay: 0.1, scaled);
        using var other = Optimizer.Create(kind, copies, there, weightDecay: 0.1, scaled);
        for (var step = 1; step <= 5; step++)
        {
            var gradient = randn_like(weights);
            var copy = gradient.cuda();
            one.Step(weights, gradient, 1, 1e-2, step);
            other.Step(copies, copy, 1, 1e-2, step);
        }

        Assert.InRange((weights - copies.cpu()).abs().max().item<float>(), 0, 1e-5f);
    }

    [Theory]
    [InlineData(TrainingPrecision.Fp32)]
    [InlineData(TrainingPrecision.Bf16)]
    public void Run_OnCuda_LearnsGoesOnAndWaitsOnceAStep(TrainingPrecision precision)
    {
        RequireCuda();
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with
        {
            Device = "cuda:0",
            Precision = precision,
            MaxSteps = 120,
            WarmupSteps = 6,
            EvaluateEvery = 60,
            BatchSize = 16,
            KeepResume = true,
        };
        var before = PendingLoss.Waits;
        var result = StudentTrainer.Run(options, new Messages(), TestContext.Current.CancellationToken);

        Assert.True(result.ValidationAccuracy >= 0.9, $"accuracy {result.ValidationAccuracy}");
        Assert.InRange(PendingLoss.Waits - before, 120, 130);
        var more = StudentTrainer.Run(
            options with { Resume = true, MaxSteps = 130 }, new Messages(), TestContext.Current.CancellationToken);
        Assert.Equal(130, more.Steps);
    }

    [Fact]
    public void Accumulate_OnCudaManyShapes_KeepsMemoryLevel()
    {
        RequireCuda();
        using var student = new T5Model(EngineGradientTests.Config(T5Activation.Relu, false, true, 64, 16, 4), CUDA, seed: 3);
        using var engine = new ScriptEngine(student);
        void Step(int i) => engine.Accumulate(EngineGradientTests.Batch(70, 3 + (i % 17), longest: 20 + (i * 7 % 90)), i, true).Dispose();
        for (var i = 0; i < 60; i++) Step(i);
        var shapes = engine.Shapes;
        for (var i = 60; i < 400; i++) Step(i);

        Assert.InRange(engine.Shapes, 1, Math.Max(shapes, 40));
    }

    private static void RequireCuda()
    {
        LibTorch.Load();
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
    }
}
