using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Optimizers;

/// <summary>Scaled rates against the rules written out in double precision.</summary>
public sealed class ParameterScaleTests
{
    private const double Rate = 0.02;
    private static readonly long[][] Shapes = [[3, 4], [5], [2, 3], [4]];

    // A large matrix, a vector near one, a small matrix, and zeros, which would never move if their size were all that counts.
    private static readonly double[] Sizes = [5, 1, 0.01, 0];

    [Theory]
    [InlineData(OptimizerKind.AdamW, 0, false)]
    [InlineData(OptimizerKind.AdamW, 0.1, false)]
    [InlineData(OptimizerKind.AdamW, 0, true)]
    [InlineData(OptimizerKind.AdamW, 0.1, true)]
    [InlineData(OptimizerKind.Adafactor, 0, false)]
    [InlineData(OptimizerKind.Adafactor, 0.1, false)]
    public void Step_Scaled_MovesEachParameterByAShareOfItsSize(OptimizerKind kind, double decay, bool scripted)
    {
        LibTorch.Load();
        var random = new Random(7);
        var parameters = Shapes.Select((shape, p) => Draw(random, shape).Select(v => v * Sizes[p]).ToArray()).ToArray();
        using var weights = tensor(parameters.SelectMany(p => p).Select(v => (float)v).ToArray());
        using IOptimizer optimizer = kind == OptimizerKind.AdamW
            ? new AdamW(weights, Shapes, decay, scaleParameter: true, scripted: scripted)
            : new Adafactor(weights, [.. Shapes.Select((_, i) => $"parameter.{i}")], Shapes, decay, scaleParameter: true);
        var expected = Shapes.Select(shape => new Expected(kind, shape)).ToArray();
        for (var step = 1; step <= 4; step++)
        {
            var gradients = Shapes.Select(shape => Draw(random, shape)).ToArray();
            using var flat = tensor(gradients.SelectMany(g => g).Select(v => (float)v).ToArray());
            optimizer.Step(weights, flat, 0.5, Rate, step);
            for (var p = 0; p < Shapes.Length; p++)
            {
                var rate = Rate * Math.Max(1e-3, RootMeanSquare(parameters[p]));
                var update = expected[p].Update([.. gradients[p].Select(g => g * 0.5)], step);
                parameters[p] = [.. parameters[p].Zip(update, (w, u) => (w * (1 - (rate * decay))) - (rate * u))];
            }
        }

        var found = weights.data<float>().ToArray();
        var wanted = parameters.SelectMany(p => p).ToArray();
        for (var i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], found[i], 1e-5 * Math.Max(1e-3, Math.Abs(wanted[i])));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void Step_InScriptAtOneRate_EqualsTheKernel(double decay)
    {
        LibTorch.Load();
        var random = new Random(8);
        float[] Values() => [.. Enumerable.Range(0, 41).Select(_ => (float)((random.NextDouble() * 2) - 1))];
        using var expected = tensor(Values());
        using var found = expected.clone();
        using var kernel = new AdamW(expected, [[41]], decay, scripted: false);
        using var script = new AdamW(found, [[41]], decay, scripted: true);
        for (var step = 1; step <= 5; step++)
        {
            using var gradients = tensor(Values());
            using var same = gradients.clone();
            kernel.Step(expected, gradients, 0.5, Rate, step);
            script.Step(found, same, 0.5, Rate, step);
        }

        Assert.All(expected.data<float>().ToArray().Zip(found.data<float>().ToArray()), p => Assert.Equal(p.First, p.Second, 2e-6));
    }

    private static double[] Draw(Random random, long[] shape) =>
        [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => (random.NextDouble() * 2) - 1)];

    private static double RootMeanSquare(double[] values) => Math.Sqrt(values.Average(v => v * v));

    /// <summary>One parameter's update before the learning rate.</summary>
    private sealed class Expected(OptimizerKind kind, long[] shape)
    {
        private readonly double[] _mean = new double[shape.Aggregate(1L, (a, b) => a * b)];
        private readonly double[] _square = new double[shape.Aggregate(1L, (a, b) => a * b)];

        public double[] Update(double[] gradient, int step)
        {
            var update = new double[gradient.Length];
            var keep = kind == OptimizerKind.AdamW ? 0.999 : 1 - Math.Pow(step, -0.8);
            for (var i = 0; i < gradient.Length; i++)
            {
                _mean[i] = (0.9 * _mean[i]) + (0.1 * gradient[i]);
                _square[i] = (keep * _square[i]) + ((1 - keep) * gradient[i] * gradient[i]);
            }

            for (var i = 0; i < gradient.Length; i++)
            {
                update[i] = kind == OptimizerKind.AdamW
                    ? _mean[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(_square[i] / (1 - Math.Pow(0.999, step))) + 1e-8)
                    : gradient[i] / Math.Sqrt(Second(i));
            }

            if (kind == OptimizerKind.AdamW) return update;
            var size = Math.Max(1, RootMeanSquare(update));
            return [.. update.Select(u => u / size)];
        }

        /// <summary>
        /// Adafactor's estimate: a matrix's row mean times its column mean over the mean of all. Means of means are the means of the
        /// whole, so keeping every square gives the same.
        /// </summary>
        private double Second(int i)
        {
            if (shape.Length == 1) return _square[i];
            var width = (int)shape[1];
            var (row, column) = (i / width, i % width);
            var ofRow = _square.Skip(row * width).Take(width).Average();
            var ofColumn = _square.Where((_, j) => j % width == column).Average();
            return ofRow * ofColumn / _square.Average();
        }
    }
}
