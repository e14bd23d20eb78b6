using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// A layer's result is added to the residual stream, and the sum's norm quantised, while a row lies in the cache: x, delta [B, T, n],
/// delta's scales [B, T, 1] and the norm's weight [n] → the sum [B, T, n], the norm in eight bits [B, T, n] and its scales [B, T, 1].
/// </summary>
internal static unsafe class AddNormQuantizeOperator
{
    private const string Name = GraphFunctions.AddNormQuantize;

    private const TensorElementType Float = TensorElementType.Float;

    public static CustomOperator* Create() => CustomOperator.Create(
        Name, [Float, Float, Float, Float], [Float, TensorElementType.UInt8, Float], &CreateState, &Compute);

    [UnmanagedCallersOnly]
    private static nint CreateState(CustomOperator* self, nint api, nint info, nint* state) =>
        NodeState.Create(() => new Epsilon(OrtInterface.FloatAttribute(info, "epsilon"u8)), state);

    [UnmanagedCallersOnly]
    private static nint Compute(nint self, nint context) => OrtInterface.Guard(() =>
    {
        var epsilon = NodeState.Of<Epsilon>(self).Value;
        OrtTensor x = OrtInterface.Input(context, 0), delta = OrtInterface.Input(context, 1), scale = OrtInterface.Input(context, 2),
            weight = OrtInterface.Input(context, 3);
        var (rows, width) = (x.Rows, checked((int)x.Last(1)));
        if (!delta.Is(x.Shape) || scale.Rows != rows || scale.Last(1) != 1 || !weight.Is(width))
            throw new InputException($"{Name}: shapes {x}, {delta}, {scale} and {weight} do not go together");
        var shape = x.Shape;
        var sums = (float*)OrtInterface.Output(context, 0, shape);
        var bytes = (byte*)OrtInterface.Output(context, 1, shape);
        shape[^1] = 1;
        var scales = (float*)OrtInterface.Output(context, 2, shape);
        float* a = (float*)x.Data, b = (float*)delta.Data, c = (float*)scale.Data, w = (float*)weight.Data;
        KernelThreads.ForRows(context, rows, width, (first, last) =>
        {
            var normed = KernelThreads.Scratch(width);
            for (var row = first; row < last; row++)
            {
                var at = row * width;
                Norm(a + at, b + at, c[row], w, sums + at, normed, width, epsilon);
                scales[row] = RowQuantization.Row(normed, bytes + at, width, rectify: false);
            }
        });
    });

    /// <summary>sum = x + delta·scale; normed = sum / √(mean of sum² + ε) · weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Norm(float* x, float* delta, float scale, float* weight, float* sum, float* normed, int width, float epsilon)
    {
        Vector512<float> squares = default, more = default;
        var factor = Vector512.Create(scale);
        var i = 0;
        for (; i + 32 <= width; i += 32)
        {
            var a = Vector512.FusedMultiplyAdd(Vector512.Load(delta + i), factor, Vector512.Load(x + i));
            var b = Vector512.FusedMultiplyAdd(Vector512.Load(delta + i + 16), factor, Vector512.Load(x + i + 16));
            a.Store(sum + i);
            b.Store(sum + i + 16);
            squares = Vector512.FusedMultiplyAdd(a, a, squares);
            more = Vector512.FusedMultiplyAdd(b, b, more);
        }

        var total = Vector512.Sum(squares + more);
        for (; i < width; i++)
        {
            sum[i] = MathF.FusedMultiplyAdd(delta[i], scale, x[i]);
            total = MathF.FusedMultiplyAdd(sum[i], sum[i], total);
        }

        var inverse = 1 / MathF.Sqrt(total / width + epsilon);
        var scaling = Vector512.Create(inverse);
        i = 0;
        for (; i + 16 <= width; i += 16) (Vector512.Load(sum + i) * scaling * Vector512.Load(weight + i)).Store(normed + i);
        for (; i < width; i++) normed[i] = sum[i] * inverse * weight[i];
    }

    private sealed record Epsilon(float Value);
}
