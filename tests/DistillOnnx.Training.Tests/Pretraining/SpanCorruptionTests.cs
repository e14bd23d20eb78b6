using CsCheck;
using DistillOnnx.Data;
using DistillOnnx.Training.Pretraining;
using DistillOnnx.Training.Tests.Trainer;

namespace DistillOnnx.Training.Tests.Pretraining;

public sealed class SpanCorruptionTests
{
    [Fact]
    public void Apply_AnyText_CanBePutTogetherAgain()
    {
        var tokenizer = TinyTask.Tokenizer();
        var corruption = new SpanCorruption(tokenizer, 0.15, 3);
        Gen.Select(Gen.Int[2, 300], Gen.Long).Sample((length, seed) =>
        {
            int[] tokens = [.. Enumerable.Range(0, length).Select(i => 1000 + i)];
            var (source, target, _, _, _, _) = corruption.Apply(tokens, new SplitMix64(seed));
            Assert.Equal(tokenizer.EosId, source[^1]);
            Assert.Equal(tokenizer.EosId, target[^1]);
            var whole = new List<int>();
            foreach (var token in source[..^1])
            {
                if (token >= 1000)
                {
                    whole.Add(token);
                    continue;
                }

                var at = Array.IndexOf(target, token) + 1;
                while (target[at] >= 1000) whole.Add(target[at++]);
            }

            Assert.Equal(tokens, whole);
            Assert.Equal(Math.Clamp((int)Math.Round(length * 0.15), 1, length - 1), target.Count(t => t >= 1000));
        });
    }
}
