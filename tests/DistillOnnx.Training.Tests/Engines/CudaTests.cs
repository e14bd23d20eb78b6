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
                there, bf16 ? TrainingPrecision.Bf16 : TrainingPrecision.Fp32, tf32, recompute: false, graphs: false, new Messages());
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
        using var engine = new ScriptEngine(student, record: true);
        void Step(int i) => engine.Accumulate(EngineGradientTests.Batch(70, 3 + (i % 17), longest: 20 + (i * 7 % 90)), i, true).Dispose();
        for (var i = 0; i < 200; i++) Step(i);
        var (shapes, free) = (engine.Shapes, CudaGraph.Memory().Free);
        for (var i = 200; i < 600; i++) Step(i);

        Assert.InRange(engine.Shapes, 1, 80);
        Assert.InRange(engine.Recorded, 2, 64);

        // Batches of every kind came before, so at most a graph or two is new.
        Assert.InRange(engine.Shapes - shapes, 0, 5);
        Assert.InRange(free - CudaGraph.Memory().Free, -(1L << 28), 1L << 28);
    }

    /// <summary>
    /// A replay is the step: with dropout the same numbers of the same batch, without it those of any that fills a shape up.
    /// </summary>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 0.1f)]
    [InlineData(true, 0.1f)]
    public void Accumulate_OfRecordedSteps_GivesWhatTheStepGives(bool bf16, float dropout)
    {
        RequireCuda();
        Assert.Null(CudaGraph.WhyNot());
        using var student = new T5Model(
            EngineGradientTests.Config(T5Activation.Relu, false, true, 64, 16, 4) with { DropoutRate = dropout }, CUDA, seed: 3);
        if (bf16) student.ComputeType = ScalarType.BFloat16;
        var kernels = StudentEngines.Kernels(student, new Messages());
        using var recorded = new ScriptEngine(student, kernels: kernels, record: true);
        for (var i = 0; i < 12; i++)
        {
            var batch = dropout > 0
                ? EngineGradientTests.Batch(70, 20, longest: 40)
                : EngineGradientTests.Batch(70, 20 + (i % 3), longest: 40 + (i % 5));

            // The first step of a recorder is not recorded.
            using var fresh = new ScriptEngine(student, kernels: kernels, record: true);
            using var expected = fresh.Accumulate(batch, seed: i, first: true);
            using var found = recorded.Accumulate(batch, seed: i, first: true);

            Assert.Equal(0, fresh.Recorded);
            Assert.Equal(expected.Read().Label, found.Read().Label, 1e-3 * expected.Read().Label);
            Assert.InRange(Distance(fresh.Gradients, recorded.Gradients), 0, bf16 ? 2e-2f : 1e-4f);
        }

        Assert.InRange(recorded.Recorded, 1, 8);
    }

    [Fact]
    public void Accumulate_OfRecordedStepsWithOtherSeeds_DropsOtherValues()
    {
        RequireCuda();
        using var scope = NewDisposeScope();
        using var student = new T5Model(
            EngineGradientTests.Config(T5Activation.Relu, false, true, 64, 16, 4) with { DropoutRate = 0.1f }, CUDA, seed: 3);
        using var engine = new ScriptEngine(student, record: true);
        var batch = EngineGradientTests.Batch(70, 20, longest: 40);
        Tensor Gradient(long seed)
        {
            engine.Accumulate(batch, seed, first: true).Dispose();
            return engine.Gradients.clone();
        }

        Gradient(1).Dispose();
        var (one, two, again) = (Gradient(1), Gradient(2), Gradient(1));

        Assert.Equal(1, engine.Recorded);
        Assert.InRange(Distance(one, again), 0, 1e-5f);
        Assert.InRange(Distance(one, two), 1e-2f, 10);
    }

    /// <summary>What fails while it is recorded leaves the device as it was.</summary>
    [Fact]
    public void Record_OfWorkThatFails_GoesOnAfterwards()
    {
        RequireCuda();
        using var scope = NewDisposeScope();
        using var x = ones(8, device: CUDA);
        lock (CudaGraph.Gate)
        {
            Assert.Throws<InvalidDataException>(() => CudaGraph.Record(
                CudaGraph.NewPool(),
                () =>
                {
                    x.add_(1);
                    throw new InvalidDataException();
                }));
            using var graph = CudaGraph.Record(CudaGraph.NewPool(), () => x.mul_(3));
            graph.Replay();
            graph.Replay();
        }

        Assert.Equal(9f, x.cpu()[0].item<float>());
    }

    /// <summary>Several runs of a process record and replay side by side.</summary>
    [Fact]
    public void Accumulate_OfSeveralThreads_GivesEachItsOwn()
    {
        RequireCuda();
        var batches = Enumerable.Range(0, 4).Select(i => EngineGradientTests.Batch(70, 8 + (8 * i), longest: 30 + (10 * i))).ToArray();
        var losses = new double[4][];
        System.Threading.Tasks.Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, t =>
        {
            using var student = new T5Model(
                EngineGradientTests.Config(T5Activation.Relu, false, true, 64, 16, 4) with { DropoutRate = 0.1f }, CUDA, seed: t);
            using var engine = new ScriptEngine(student, record: true);
            losses[t] = [.. Enumerable.Range(0, 40).Select(i =>
            {
                using var loss = engine.Accumulate(batches[i % 4], i % 4, first: true);
                return loss.Read().Label;
            })];
            Assert.InRange(engine.Recorded, 1, 4);
        });

        // The same batch with the same seed has the same loss whenever it comes, whatever the others draw.
        foreach (var own in losses)
        {
            for (var i = 4; i < own.Length; i++) Assert.Equal(own[i % 4], own[i], 1e-4 * own[i % 4]);
        }
    }

    private static float Distance(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        return (expected - actual).norm().item<float>() / expected.norm().item<float>();
    }

    private static void RequireCuda()
    {
        LibTorch.Load();
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
    }
}
