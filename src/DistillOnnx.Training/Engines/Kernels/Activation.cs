using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistillOnnx.Core.Kernels;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>The feed-forward layer's activations with their slopes, 16 values at a time.</summary>
internal static class Activation
{
    private const float RootTwoOverPi = 0.7978845608f;
    private const float Cubic = 0.044715f;

    /// <summary>Whether the kernels have this activation; the exact GELU's error function they do not.</summary>
    public static bool Has(T5Activation activation) => activation is T5Activation.Relu or T5Activation.GeluNew or T5Activation.Silu;

    /// <summary>The activation's values and slopes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Value, Vector512<float> Slope) Apply(T5Activation activation, Vector512<float> x)
    {
        var one = Vector512<float>.One;
        if (activation == T5Activation.Relu)
        {
            var alive = Vector512.GreaterThan(x, Vector512<float>.Zero);
            return (x & alive, one & alive);
        }

        if (activation == T5Activation.Silu)
        {
            var sigmoid = one / (one + Exponential.Of(-x));
            return (x * sigmoid, sigmoid * (one + x * (one - sigmoid)));
        }

        // ½x(1 + tanh u), u = √(2/π)(x + 0.044715x³), where tanh u = 1 − 2/(e^2u + 1).
        var square = x * x;
        var u = RootTwoOverPi * x * (one + Cubic * square);
        var tanh = one - Vector512.Create(2f) / (Exponential.Of(u + u) + one);
        var half = Vector512.Create(0.5f);
        var slope = half * (one + tanh) + half * x * (one - tanh * tanh) * RootTwoOverPi * (one + 3 * Cubic * square);
        return (half * x * (one + tanh), slope);
    }
}
