using System.Runtime.Intrinsics;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>T5's layer norm, x / √(mean x² + ε) ⊙ w, forward and backward.</summary>
internal static unsafe class NormKernels
{
    /// <summary>Norms rows.</summary>
    /// <param name="x">[rows, width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="output">[rows, width].</param>
    /// <param name="scales">[rows]: receives 1 / √(mean x² + ε), for the way back.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Width.</param>
    /// <param name="epsilon">ε.</param>
    public static void Forward(float* x, float* weight, float* output, float* scales, int rows, int width, float epsilon) =>
        Workers.Range(rows, (from, to) =>
        {
            for (var row = from; row < to; row++)
            {
                var line = x + row * width;
                var target = output + row * width;
                var scale = scales[row] = 1 / MathF.Sqrt(Dot(line, line, width) / width + epsilon);
                var factor = Vector512.Create(scale);
                var i = 0;
                for (; i + 16 <= width; i += 16) (Vector512.Load(line + i) * factor * Vector512.Load(weight + i)).Store(target + i);
                for (; i < width; i++) target[i] = line[i] * scale * weight[i];
            }
        });

    /// <summary>Adds the norm's derivative to the gradient of its input, and to that of its weight.</summary>
    /// <param name="x">The input: [rows, width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="scales">[rows], from the way forward.</param>
    /// <param name="gradient">Of the output: [rows, width].</param>
    /// <param name="inputGradient">[rows, width].</param>
    /// <param name="weightGradient">[width].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Width.</param>
    /// <param name="add">Whether the input's gradient is added to, or replaced.</param>
    public static void Backward(
        float* x, float* weight, float* scales, float* gradient, float* inputGradient, float* weightGradient, int rows, int width, bool add)
    {
        var partial = new float[TorchSharp.torch.get_num_threads()][];
        Workers.Run((part, parts) =>
        {
            var sums = partial[part] = new float[width];
            fixed (float* own = sums)
            {
                for (var row = (long)rows * part / parts; row < (long)rows * (part + 1) / parts; row++)
                {
                    var line = x + row * width;
                    var g = gradient + row * width;
                    var target = inputGradient + row * width;
                    var scale = scales[row];
                    var dot = Vector512<float>.Zero;
                    var i = 0;
                    for (; i + 16 <= width; i += 16)
                        dot = Vector512.FusedMultiplyAdd(Vector512.Load(line + i) * Vector512.Load(weight + i), Vector512.Load(g + i), dot);
                    var sum = Vector512.Sum(dot);
                    for (; i < width; i++) sum += line[i] * weight[i] * g[i];

                    // With x̂ = x·s: dx = s·(g⊙w − x̂·mean(g⊙w⊙x̂)), dw = Σ g⊙x̂.
                    var pull = sum * scale * scale * scale / width;
                    var s = Vector512.Create(scale);
                    var p = Vector512.Create(pull);
                    for (i = 0; i + 16 <= width; i += 16)
                    {
                        var value = Vector512.Load(line + i);
                        var slope = Vector512.Load(g + i) * s;
                        var change = slope * Vector512.Load(weight + i) - value * p;
                        (add ? Vector512.Load(target + i) + change : change).Store(target + i);
                        Vector512.FusedMultiplyAdd(slope, value, Vector512.Load(own + i)).Store(own + i);
                    }

                    for (; i < width; i++)
                    {
                        var change = g[i] * scale * weight[i] - line[i] * pull;
                        target[i] = add ? target[i] + change : change;
                        own[i] += g[i] * scale * line[i];
                    }
                }
            }
        });
        foreach (var sums in partial)
        {
            for (var i = 0; sums is not null && i < width; i++) weightGradient[i] += sums[i];
        }
    }

    private static float Dot(float* a, float* b, int width)
    {
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i + 16 <= width; i += 16) sum = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sum);
        var total = Vector512.Sum(sum);
        for (; i < width; i++) total += a[i] * b[i];
        return total;
    }
}
