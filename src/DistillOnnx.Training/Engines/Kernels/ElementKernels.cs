using System.Runtime.Intrinsics;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Passes over activations, each of which does all that can be done while a value is at hand.</summary>
internal static unsafe class ElementKernels
{
    private const int Grain = 1 << 12;

    /// <summary>output = x + dropout(y).</summary>
    public static void AddDropped(float* x, float* y, float* output, long count, Dropout dropout) => Workers.Range(count, (from, to) =>
    {
        var i = from;
        if (dropout.IsActive)
        {
            for (; i + 16 <= to; i += 16)
                Vector512.FusedMultiplyAdd(Vector512.Load(y + i), dropout.Factors((uint)i), Vector512.Load(x + i)).Store(output + i);
            for (; i < to; i++) output[i] = x[i] + y[i] * dropout.Factor((uint)i);
            return;
        }

        for (; i + 16 <= to; i += 16) (Vector512.Load(x + i) + Vector512.Load(y + i)).Store(output + i);
        for (; i < to; i++) output[i] = x[i] + y[i];
    }, Grain);

    /// <summary>output = dropout(x)·scale; its own derivative.</summary>
    public static void Drop(float* x, float* output, long count, Dropout dropout, float scale = 1) => Workers.Range(count, (from, to) =>
    {
        var i = from;
        var factor = Vector512.Create(scale);
        if (dropout.IsActive)
        {
            for (; i + 16 <= to; i += 16) (Vector512.Load(x + i) * dropout.Factors((uint)i) * factor).Store(output + i);
            for (; i < to; i++) output[i] = x[i] * dropout.Factor((uint)i) * scale;
            return;
        }

        for (; i + 16 <= to; i += 16) (Vector512.Load(x + i) * factor).Store(output + i);
        for (; i < to; i++) output[i] = x[i] * scale;
    }, Grain);

    /// <summary>x ← dropout(relu(x)).</summary>
    public static void Relu(float* x, long count, Dropout dropout) => Workers.Range(count, (from, to) =>
    {
        var i = from;
        for (; i + 16 <= to; i += 16)
        {
            var v = Vector512.Max(Vector512.Load(x + i), Vector512<float>.Zero);
            (dropout.IsActive ? v * dropout.Factors((uint)i) : v).Store(x + i);
        }

        for (; i < to; i++) x[i] = Math.Max(x[i], 0) * (dropout.IsActive ? dropout.Factor((uint)i) : 1);
    }, Grain);

    /// <summary>
    /// Derivative of <see cref="Relu"/>, which needs only what came out of it: gradient ← gradient·scale where the output is above 0.
    /// </summary>
    public static void ReluBackward(float* output, float* gradient, long count, Dropout dropout) => Workers.Range(count, (from, to) =>
    {
        var scale = dropout.IsActive ? dropout.Scale : 1;
        var factor = Vector512.Create(scale);
        var i = from;
        for (; i + 16 <= to; i += 16)
        {
            var alive = Vector512.GreaterThan(Vector512.Load(output + i), Vector512<float>.Zero);
            (Vector512.Load(gradient + i) * factor & alive).Store(gradient + i);
        }

        for (; i < to; i++) gradient[i] = output[i] > 0 ? gradient[i] * scale : 0;
    }, Grain);

    /// <summary>output = dropout(act(inner)), or with a gate, dropout(act(inner₀) ⊙ inner₁).</summary>
    /// <param name="inner">[rows, width], or gated [rows, 2·width], inner₀ before inner₁ in each row.</param>
    /// <param name="output">[rows, width].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Width of the feed-forward layer.</param>
    /// <param name="gated">Whether there is a gate.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="dropout">The mask.</param>
    public static void Activate(float* inner, float* output, int rows, int width, bool gated, T5Activation activation, Dropout dropout) =>
        Workers.Range(rows, (from, to) =>
        {
            for (var row = from; row < to; row++)
            {
                var x = inner + row * width * (gated ? 2 : 1);
                var y = output + row * width;
                var index = (uint)(row * width);
                var i = 0;
                for (; i + 16 <= width; i += 16)
                {
                    var (value, _) = Activation.Apply(activation, Vector512.Load(x + i));
                    if (gated) value *= Vector512.Load(x + width + i);
                    if (dropout.IsActive) value *= dropout.Factors(index + (uint)i);
                    value.Store(y + i);
                }

                for (; i < width; i++)
                {
                    var value = Activation.Apply(activation, Vector512.Create(x[i])).Value[0] * (gated ? x[width + i] : 1);
                    y[i] = dropout.IsActive ? value * dropout.Factor(index + (uint)i) : value;
                }
            }
        });

    /// <summary>Derivative of <see cref="Activate"/>: inner ← gradient with respect to inner.</summary>
    public static void ActivateBackward(
        float* inner, float* gradient, int rows, int width, bool gated, T5Activation activation, Dropout dropout) =>
        Workers.Range(rows, (from, to) =>
        {
            for (var row = from; row < to; row++)
            {
                var x = inner + row * width * (gated ? 2 : 1);
                var g = gradient + row * width;
                var index = (uint)(row * width);
                var i = 0;
                for (; i + 16 <= width; i += 16)
                {
                    var d = Vector512.Load(g + i);
                    if (dropout.IsActive) d *= dropout.Factors(index + (uint)i);
                    var (value, slope) = Activation.Apply(activation, Vector512.Load(x + i));
                    if (gated)
                    {
                        (d * slope * Vector512.Load(x + width + i)).Store(x + i);
                        (d * value).Store(x + width + i);
                    }
                    else
                    {
                        (d * slope).Store(x + i);
                    }
                }

                for (; i < width; i++)
                {
                    var d = g[i] * (dropout.IsActive ? dropout.Factor(index + (uint)i) : 1);
                    var (value, slope) = Activation.Apply(activation, Vector512.Create(x[i]));
                    x[i] = d * slope[0] * (gated ? x[width + i] : 1);
                    if (gated) x[width + i] = d * value[0];
                }
            }
        });
}
