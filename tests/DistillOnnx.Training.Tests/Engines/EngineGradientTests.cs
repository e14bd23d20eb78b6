using DistillOnnx.Core.T5;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Tests.Engines;

/// <summary>
/// The engines compute what the modules and autograd do. The engine for every device draws its dropout from libtorch's one generator, which
/// other tests draw from as well, so these run alone.
/// </summary>
[Collection(nameof(EngineGradientTests))]
[CollectionDefinition(nameof(EngineGradientTests), DisableParallelization = true)]
public sealed class EngineGradientTests
{
    public EngineGradientTests() => LibTorch.Load();

    public static TheoryData<string, T5Activation, bool, bool, int, int, int> Shapes => new()
    {
        { "t5", T5Activation.Relu, false, true, 32, 16, 2 },
        { "t5", T5Activation.GeluNew, true, false, 32, 16, 2 },
        { "t5", T5Activation.Silu, true, true, 24, 12, 3 },
        { "t5", T5Activation.Relu, false, true, 20, 5, 3 },
        { "umt5", T5Activation.GeluNew, true, false, 32, 16, 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Accumulate_RaggedBatchWithoutDropout_EqualsAutograd(
        string modelType, T5Activation activation, bool gated, bool tied, int model, int width, int heads)
    {
        using var student = new T5Model(Config(activation, gated, tied, model, width, heads) with { ModelType = modelType }, seed: 3);
        using var unpadded = new UnpaddedEngine(student);
        AssertEqualsAutograd(student, unpadded);
    }

    /// <summary>Sequences of so many tokens have their scores computed some queries at a time.</summary>
    [Theory]
    [InlineData(200)]
    [InlineData(1100)]
    public void Accumulate_LongSequences_EqualsAutograd(int longest)
    {
        using var student = new T5Model(Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        using var unpadded = new UnpaddedEngine(student);
        var random = new Random(3);
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(2, 70)), 1];
        TrainingSequence[] sequences =
        [
            new(Tokens(longest), Tokens(2), LossPart.Label), new(Tokens(longest - 21), Tokens(longest / 2), LossPart.Rationale),
            new(Tokens(4), Tokens(longest / 3), LossPart.Rationale),
        ];
        AssertEqualsAutograd(student, unpadded, new MicroBatch(sequences, 0.1, 0.5 / longest));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Accumulate_OfTheEngineForEveryDevice_EqualsAutograd(
        string modelType, T5Activation activation, bool gated, bool tied, int model, int width, int heads)
    {
        using var student = new T5Model(Config(activation, gated, tied, model, width, heads) with { ModelType = modelType }, seed: 3);
        foreach (var (steps, recompute) in new[] { (ShapeSteps.None, false), (ShapeSteps.Gpu, false), (ShapeSteps.None, true) })
        {
            using var device = new ScriptEngine(student, steps, recompute);
            AssertEqualsAutograd(student, device);
        }

        using var sums = new ScriptEngine(student, kernels: KernelForm.PlainWithSums);
        AssertEqualsAutograd(student, sums);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Accumulate_LabelsOfAClosedSet_FollowsTheLossWithinTheSet(bool everyDevice, bool filledUp)
    {
        // One set has three tokens at its first place and two at its second, the other one token and then four.
        using var student = new T5Model(Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        using IStudentEngine engine = everyDevice
            ? new ScriptEngine(student, filledUp ? ShapeSteps.Gpu : ShapeSteps.None)
            : new UnpaddedEngine(student);
        int[][] first = [[5, 9, 30], [1, 12]];
        int[][] second = [[40], [1, 2, 3, 69]];
        TrainingSequence Label(int[] target, int[][] allowed) => new([7, 8, 9, 1], target, LossPart.Label, 1.5, allowed);
        TrainingSequence[] sequences =
        [
            Label([9, 1], first), Label([30, 12], first), Label([40, 69], second), new([7, 8, 1], [4, 5, 6, 1], LossPart.Rationale),
        ];
        var batch = MicroBatch.Cut([new TrainingRow("r", sequences)], 100_000, 0.4, 0.6).Single();

        var loss = engine.Accumulate(batch, seed: 1, first: true).Read();
        using var direction = engine.Gradients.clone();
        var slope = direction.square().sum().item<float>();
        var step = 0.002 / Math.Sqrt(slope);
        double Along(double by)
        {
            engine.Weights.add_(direction, alpha: by * step);
            engine.WeightsChanged();
            var at = engine.Evaluate(batch);
            engine.Weights.add_(direction, alpha: -by * step);
            engine.WeightsChanged();
            return (0.4 * at.Label) + (0.6 * at.Rationale!.Value);
        }

        Assert.Equal((3, 4), (loss.LabelTokens, loss.RationaleTokens));
        Assert.Equal(Within(student, sequences), loss.Label, 1e-4);
        Assert.Equal(1, (Along(1) - Along(-1)) / (2 * step * slope), 0.02);
    }

    /// <summary>The mean of −ln of the labels' probabilities within their sets, by the model's own logits.</summary>
    private static double Within(T5Model student, IEnumerable<TrainingSequence> sequences)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var off = TorchSharp.torch.no_grad();
        return sequences.Where(s => s.Allowed is not null).Average(s =>
        {
            var ids = TorchSharp.torch.tensor(s.Source.Select(t => (long)t).ToArray(), [1L, s.Source.Length]);
            var mask = TorchSharp.torch.ones_like(ids);
            long[] shifted = [student.Config.DecoderStartTokenId, .. s.Target[..^1].Select(t => (long)t)];
            var inputs = TorchSharp.torch.tensor(shifted, [1L, s.Target.Length]);
            var hidden = student.DecodeHidden(inputs, student.Encode(ids, mask), mask).view(-1, student.Config.DModel);
            var logits = TorchSharp.torch.mm(student.HeadInput(hidden), student.HeadWeight.t());
            return s.Target.Select((token, at) =>
            {
                double Logit(int of) => logits[at, of].item<float>();
                return Math.Log(s.Allowed![at].Sum(a => Math.Exp(Logit(a)))) - Logit(token);
            }).Sum();
        });
    }

    [Fact]
    public void Accumulate_RecomputedBlocksWithDropout_GivesTheSameBits()
    {
        using var student = new T5Model(Config(T5Activation.GeluNew, true, false, 32, 16, 2) with { DropoutRate = 0.3f }, seed: 3);
        using var kept = new ScriptEngine(student);
        using var recomputed = new ScriptEngine(student, recompute: true);
        var batch = Batch(70, 11, longest: 40);

        kept.Accumulate(batch, seed: 4, first: true).Dispose();
        recomputed.Accumulate(batch, seed: 4, first: true).Dispose();

        Assert.True(kept.Gradients.bytes.SequenceEqual(recomputed.Gradients.bytes));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void Accumulate_InBf16_IsNearFp32AndNotIt(bool everyDevice, bool tied)
    {
        IStudentEngine Engine(T5Model model) => everyDevice ? new ScriptEngine(model) : new UnpaddedEngine(model);
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var student = new T5Model(Config(T5Activation.GeluNew, true, tied, 32, 16, 2), seed: 3);
        var batch = Batch(70, 11, longest: 40);
        using var single = Engine(student);
        var expected = single.Accumulate(batch, seed: 1, first: true).Read();
        student.ComputeType = TorchSharp.torch.ScalarType.BFloat16;
        using var half = Engine(student);
        var actual = half.Accumulate(batch, seed: 1, first: true).Read();

        Assert.Equal(expected.Label, actual.Label, 0.02 * expected.Label);
        var (a, b) = (single.Gradients, half.Gradients);
        var cosine = (a * b).sum().item<float>() / (a.norm() * b.norm()).item<float>();
        Assert.InRange(cosine, 0.999f, 1.0001f);
        Assert.InRange((a - b).norm().item<float>() / a.norm().item<float>(), 1e-4f, 0.05f);

        // Weights that change are rounded anew, and a second micro-batch is added in single precision.
        half.Accumulate(batch, seed: 1, first: false).Dispose();
        Assert.InRange((half.Gradients - (2 * single.Gradients)).norm().item<float>() / a.norm().item<float>(), 1e-4f, 0.1f);
        using (TorchSharp.torch.no_grad()) half.Weights.mul_(0.5f);
        half.WeightsChanged();
        single.WeightsChanged();
        single.Accumulate(batch, seed: 1, first: true).Dispose();
        half.Accumulate(batch, seed: 1, first: true).Dispose();
        Assert.InRange((half.Gradients - single.Gradients).norm().item<float>() / single.Gradients.norm().item<float>(), 1e-4f, 0.05f);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Accumulate_WeightedSequences_IsTheWeightedMeanOfTheirOwnGradients(bool everyDevice)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var student = new T5Model(Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        using IStudentEngine engine = everyDevice ? new ScriptEngine(student) : new UnpaddedEngine(student);
        TrainingSequence[] sequences = [.. Batch(70, 9, longest: 20).Sequences.Select((s, i) => s with { Weight = 0.5 + i })];
        var expected = TorchSharp.torch.zeros_like(engine.Gradients);
        double Tokens(LossPart part) => sequences.Where(s => s.Part == part).Sum(s => s.Weight * s.Target.Length);
        foreach (var sequence in sequences)
        {
            // Alone and with weight 1, a sequence's gradient is that of the sum over its tokens.
            engine.Accumulate(new MicroBatch([sequence with { Weight = 1 }], 1, 1), seed: 1, first: true).Dispose();
            var share = (sequence.Part == LossPart.Label ? 0.3 : 0.7) * sequence.Weight / Tokens(sequence.Part);
            expected.add_(engine.Gradients, alpha: share);
        }

        engine.Accumulate(MicroBatch.Cut([new TrainingRow("r", sequences)], 100_000, 0.3, 0.7).Single(), seed: 1, first: true).Dispose();

        var (difference, size) = ((engine.Gradients - expected).abs().max().item<float>(), expected.abs().max().item<float>());
        Assert.True(size > 1e-3);
        Assert.True(difference <= 1e-4 * size, $"differs by {difference} of {size}");
    }

    [Fact]
    public void Accumulate_InMicroBatches_EqualsOneBatch()
    {
        using var student = new T5Model(Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        var rows = Batch(70, 12, longest: 30).Sequences.Select((s, i) => new TrainingRow($"{i}", [s])).ToList();
        using var whole = new UnpaddedEngine(student);
        using var cut = new UnpaddedEngine(student);
        var expected = whole.Accumulate(MicroBatch.Cut(rows, 100_000, 0.5, 0.5).Single(), seed: 1, first: true).Read();
        var parts = MicroBatch.Cut(rows, 90, 0.5, 0.5);
        var actual = default(StepLoss);
        for (var i = 0; i < parts.Count; i++) actual += cut.Accumulate(parts[i], seed: 1, first: i == 0).Read();

        Assert.True(parts.Count > 2);
        Assert.Equal(expected.Label, actual.Label, 1e-4);
        AssertClose(student, whole, cut);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Accumulate_WithDropout_FollowsFiniteDifferences(bool everyDevice)
    {
        // The masks are a function of the seed, so the loss is a smooth function of the weights that can be probed.
        var config = Config(T5Activation.GeluNew, true, false, 32, 16, 2) with { DropoutRate = 0.3f };
        using var student = new T5Model(config, seed: 5);
        using IStudentEngine engine = everyDevice ? new ScriptEngine(student) : new UnpaddedEngine(student);
        var batch = Batch(70, 6, longest: 20);
        double Loss()
        {
            var loss = engine.Accumulate(batch, seed: 9, first: true).Read();
            return loss.LabelSum * batch.LabelWeight + loss.RationaleSum * batch.RationaleWeight;
        }

        Loss();
        using var direction = engine.Gradients.clone();
        var slope = direction.square().sum().item<float>();
        var step = 0.004 / Math.Sqrt(slope);
        engine.Weights.add_(direction, alpha: step);
        var above = Loss();
        engine.Weights.add_(direction, alpha: -2 * step);
        var below = Loss();

        Assert.Equal(1, (above - below) / (2 * step * slope), 0.02);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Accumulate_SameSeedTwice_IsBitIdentical(bool everyDevice)
    {
        using var student = new T5Model(Config(T5Activation.Relu, false, true, 32, 16, 2) with { DropoutRate = 0.2f }, seed: 3);
        using IStudentEngine engine = everyDevice ? new ScriptEngine(student) : new UnpaddedEngine(student);
        var batch = Batch(70, 11, longest: 40);
        engine.Accumulate(batch, seed: 4, first: true).Dispose();
        using var first = engine.Gradients.clone();
        engine.Accumulate(batch, seed: 5, first: true).Dispose();
        using var other = engine.Gradients.clone();
        engine.Accumulate(batch, seed: 4, first: true).Dispose();

        Assert.True(engine.Gradients.bytes.SequenceEqual(first.bytes));
        Assert.False(engine.Gradients.bytes.SequenceEqual(other.bytes));
    }

    internal static T5Config Config(T5Activation activation, bool gated, bool tied, int model, int width, int heads) => new()
    {
        VocabSize = 70,
        DModel = model,
        DKv = width,
        DFf = 40,
        NumLayers = 2,
        NumDecoderLayers = 3,
        NumHeads = heads,
        Activation = activation,
        IsGated = gated,
        TieWordEmbeddings = tied,
        DropoutRate = 0,
    };

    internal static MicroBatch Batch(int vocabulary, int rows, int longest)
    {
        var random = new Random(7);
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(2, vocabulary)), 1];
        var sequences = Enumerable.Range(0, rows)
            .Select(i => new TrainingSequence(
                Tokens(random.Next(1, longest)), Tokens(i % 2 == 0 ? random.Next(0, 3) : random.Next(3, 20)), i % 2 == 0 ? LossPart.Label
                    : LossPart.Rationale))
            .ToList();
        return new MicroBatch(
            sequences, 0.4 / sequences.Where(s => s.Part == LossPart.Label).Sum(s => s.Target.Length),
                0.6 / sequences.Where(s => s.Part == LossPart.Rationale).Sum(s => s.Target.Length));
    }

    /// <summary>A batch that is filled up to the shape of a larger one has its own gradient.</summary>
    [Fact]
    public void Accumulate_AfterALargerBatch_IsFilledUpToIt()
    {
        using var student = new T5Model(Config(T5Activation.Relu, false, true, 32, 16, 2), seed: 3);
        using var engine = new ScriptEngine(student, ShapeSteps.Gpu);
        engine.Accumulate(Batch(70, 24, longest: 40), seed: 1, first: true).Dispose();

        AssertEqualsAutograd(student, engine, Batch(70, 23, longest: 40));
        Assert.Equal(1, engine.Shapes);
    }

    private static void AssertEqualsAutograd(T5Model student, IStudentEngine engine, MicroBatch? other = null)
    {
        var batch = other ?? Batch(70, 11, longest: 40);
        using var autograd = new AutogradEngine(student);
        var expected = autograd.Accumulate(batch, seed: 1, first: true).Read();
        var actual = engine.Accumulate(batch, seed: 1, first: true).Read();

        Assert.Equal(expected.Label, actual.Label, 1e-4);
        Assert.Equal(expected.Rationale!.Value, actual.Rationale!.Value, 1e-4);
        AssertClose(student, autograd, engine);
        Assert.Equal(expected.Label, engine.Evaluate(batch).Label, 1e-4);
    }

    private static void AssertClose(T5Model student, IStudentEngine expected, IStudentEngine actual)
    {
        foreach (var (name, parameter) in student.named_parameters())
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var a = expected.Gradients.narrow(0, parameter.storage_offset(), parameter.numel());
            var b = actual.Gradients.narrow(0, parameter.storage_offset(), parameter.numel());
            var difference = (a - b).abs().max().item<float>();
            var size = a.abs().max().item<float>();
            Assert.True(size > 0, name);
            Assert.True(difference <= 2e-4 * size + 1e-7, $"{name}: differs by {difference} of {size}");
        }
    }
}
