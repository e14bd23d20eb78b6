using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Kernels;
using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// The middle of a gated feed-forward layer in eight bits: gate [B, T, n], which lacks its tokens' scales [B, T, 1], and linear
/// [B, T, n] → GELU(gate·scale)·linear as uint8 [B, T, n] and each row's scale [B, T, 1]. The GELU is the one with tanh.
/// </summary>
internal static unsafe class QuantizeGatedRowsOperator
{
    private const string Name = GraphFunctions.QuantizeGatedGeluRows;

    private const TensorElementType Float = TensorElementType.Float;
    private const float TwoRootTwoOverPi = 1.5957691216f;
    private const float Cubic = 0.044715f;

    public static CustomOperator* Create() => CustomOperator.Create(
        Name, [Float, Float, Float], [TensorElementType.UInt8, Float], null, &Compute);

    [UnmanagedCallersOnly]
    private static nint Compute(nint self, nint context) => OrtInterface.Guard(() =>
    {
        OrtTensor gate = OrtInterface.Input(context, 0), linear = OrtInterface.Input(context, 1), scale = OrtInterface.Input(context, 2);
        var (rows, width) = (gate.Rows, checked((int)gate.Last(1)));
        if (!linear.Is(gate.Shape) || scale.Rows != rows || scale.Last(1) != 1)
            throw new InputException($"{Name}: shapes {gate}, {linear} and {scale} do not go together");
        var shape = gate.Shape;
        var bytes = (byte*)OrtInterface.Output(context, 0, shape);
        shape[^1] = 1;
        var scales = (float*)OrtInterface.Output(context, 1, shape);
        float* a = (float*)gate.Data, b = (float*)linear.Data, c = (float*)scale.Data;
        KernelThreads.ForRows(context, rows, width, (first, last) =>
        {
            var gated = KernelThreads.Scratch(width);
            for (var row = first; row < last; row++)
            {
                Gate(a + row * width, b + row * width, c[row], gated, width);
                scales[row] = RowQuantization.Row(gated, bytes + row * width, width, rectify: false);
            }
        });
    });

    /// <summary>½x(1 + tanh u) = x / (1 + e^−2u) with u = √(2/π)(x + 0.044715x³) and x = gate·scale; times linear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gate(float* gate, float* linear, float scale, float* result, int width)
    {
        var (factor, one) = (Vector512.Create(scale), Vector512<float>.One);
        var i = 0;
        for (; i + 16 <= width; i += 16)
        {
            var x = Vector512.Load(gate + i) * factor;
            var twice = Vector512.Create(-TwoRootTwoOverPi) * x * Vector512.FusedMultiplyAdd(x * x, Vector512.Create(Cubic), one);
            (x * Vector512.Load(linear + i) / (one + Exponential.Of(twice))).Store(result + i);
        }

        for (; i < width; i++)
        {
            var x = gate[i] * scale;
            result[i] = x * linear[i] / (1 + MathF.Exp(-TwoRootTwoOverPi * x * MathF.FusedMultiplyAdd(x * x, Cubic, 1)));
        }
    }
}
