using DistillOnnx.Core.T5;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>All forms of the family against <see cref="PlainT5"/>, with nothing from outside the repository.</summary>
public sealed class PlainParityTests
{
    private static readonly int[] Lengths = [13, 1, 6];

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Logits_PaddedBatch_EqualPlainLoops(string name)
    {
        using var model = TinyModels.Create(name);
        var plain = new PlainT5(model);
        var (inputs, targets) = (TinyModels.Tokens(model, 1, Lengths), TinyModels.Tokens(model, 2, 9, 4, 1));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var batch = PaddedBatch.Create(inputs, 0, CPU);
        var encoded = model.Encode(batch.Ids, batch.Mask);
        var hidden = model.DecodeHidden(model.ShiftRight(Padded(targets)), encoded, batch.Mask);
        for (var row = 0; row < inputs.Length; row++)
        {
            var states = plain.Encode(inputs[row]);
            Close.Assert(Floats(states), encoded[row].narrow(0, 0, inputs[row].Length), $"encoder, row {row}");
            var expected = plain.Logits([0, .. targets[row][..^1]], states);
            Close.Assert(Floats(expected), model.Logits(hidden[row].narrow(0, 0, targets[row].Length)), $"logits, row {row}");
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Gradient_SomeWeightsOfEveryParameter_EqualDifferencesOfPlainLoops(string name)
    {
        using var model = TinyModels.Create(name);
        var (inputs, targets) = (TinyModels.Tokens(model, 1, 7), TinyModels.Tokens(model, 2, 5));
        using var scope = NewDisposeScope();
        using var batch = PaddedBatch.Create(inputs, 0, CPU);
        var padded = Padded(targets);
        var loss = model.TargetLoss(model.DecodeHidden(model.ShiftRight(padded), model.Encode(batch.Ids, batch.Mask), batch.Mask), padded);
        loss.backward();

        var plain = new PlainT5(model);
        Assert.Equal(plain.Loss(inputs[0], targets[0]), loss.item<float>(), 1e-4);
        var random = new Random(3);
        foreach (var (parameter, tensor) in model.named_parameters())
        {
            var gradient = tensor.grad!.data<float>().ToArray();
            var largest = Array.IndexOf(gradient, gradient.MaxBy(Math.Abs));
            foreach (var index in (int[])[largest, random.Next(gradient.Length)])
            {
                const double Step = 1e-5;
                plain.Add(parameter, index, Step);
                var above = plain.Loss(inputs[0], targets[0]);
                plain.Add(parameter, index, -2 * Step);
                var below = plain.Loss(inputs[0], targets[0]);
                plain.Add(parameter, index, Step);
                var difference = Math.Abs((above - below) / (2 * Step) - gradient[index]);
                Assert.True(
                    difference <= 1e-4 * Math.Abs(gradient[largest]) + 1e-7,
                        $"{parameter}[{index}]: gradient {gradient[index]:g6}, by differences {(above - below) / (2 * Step):g6}");
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Greedy_PaddedBatch_FollowsPlainLoops(string name)
    {
        using var model = TinyModels.Create(name);
        var plain = new PlainT5(model);
        var inputs = TinyModels.Tokens(model, 1, Lengths);
        using var batch = PaddedBatch.Create(inputs, 0, CPU);
        var answers = new StudentGenerator(model).Greedy(batch, maxNewTokens: 8);
        for (var row = 0; row < inputs.Length; row++)
        {
            var states = plain.Encode(inputs[row]);
            List<int> decoded = [0];
            while (decoded.Count <= 8 && decoded[^1] != model.Config.EosTokenId)
            {
                var logits = plain.Logits([.. decoded], states)[^1];
                decoded.Add(Array.IndexOf(logits, logits.Max()));
            }

            Assert.Equal(decoded[1..], answers[row]);
        }
    }

    [Theory]
    [InlineData(32, 128)]
    [InlineData(8, 20)]
    [InlineData(13, 41)]
    [InlineData(64, 512)]
    public void Bucket_EveryDistance_EqualsTheReferencesFormulaInLibtorch(int buckets, int maxDistance)
    {
        Training.Native.LibTorch.Load();
        foreach (var bidirectional in (bool[])[true, false])
        {
            using var scope = NewDisposeScope();
            var distance = arange(-2 * maxDistance, 2 * maxDistance, dtype: ScalarType.Int64);
            var half = bidirectional ? buckets / 2 : buckets;
            var far = bidirectional ? distance.abs() : (-distance).clamp_min(0);
            var exact = half / 2;
            var large = exact
                + (log(far.to(ScalarType.Float32) / exact) / Math.Log(maxDistance / (double)exact) * (half - exact)).to(ScalarType.Int64);
            var expected = where(far.lt(exact), far, large.clamp_max(half - 1));
            if (bidirectional) expected = expected + distance.gt(0).to(ScalarType.Int64) * half;
            Assert.Equal(
                expected.data<long>().Select(b => (int)b),
                distance.data<long>().Select(d => RelativePosition.Bucket((int)d, bidirectional, buckets, maxDistance)));
        }
    }

    [Fact]
    public void Initialize_SameSeed_GivesSameWeightsWithTheReferencesDeviations()
    {
        var config = new T5Config { VocabSize = 500, DModel = 64, DKv = 32, DFf = 256, NumLayers = 1, NumDecoderLayers = 1, NumHeads = 3 };
        using var model = new T5Model(config, seed: 5);
        using var same = new T5Model(config, seed: 5);
        using var other = new T5Model(config, seed: 6);
        Assert.True(model.FlatParameters.Equals(same.FlatParameters));
        Assert.False(model.FlatParameters.Equals(other.FlatParameters));
        foreach (var (end, deviation) in new (string, double)[]
        {
            ("shared.weight", 1), (".q.weight", Math.Pow(64 * 32, -0.5)), (".k.weight", Math.Pow(64, -0.5)),
                (".o.weight", Math.Pow(96, -0.5)),
            (".wi.weight", Math.Pow(64, -0.5)), (".wo.weight", Math.Pow(256, -0.5)),
        })
        {
            foreach (var (_, parameter) in model.named_parameters().Where(p => p.name.EndsWith(end, StringComparison.Ordinal)))
                Assert.InRange(parameter.std().item<float>() / deviation, 0.95, 1.05);
        }

        Assert.All(model.named_parameters().Where(p => p.name.Contains("norm")), p => Assert.True(p.parameter.eq(1).all().item<bool>()));
    }

    /// <summary>int64 [B, T], −100 after the end.</summary>
    internal static Tensor Padded(int[][] rows)
    {
        var length = rows.Max(r => r.Length);
        return tensor(
            rows.SelectMany(r => r.Select(t => (long)t).Concat(Enumerable.Repeat(-100L, length - r.Length))).ToArray(),
                [rows.Length, length]);
    }

    private static float[] Floats(double[][] rows) => [.. rows.SelectMany(r => r.Select(v => (float)v))];
}
