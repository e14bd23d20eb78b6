using System.Runtime.InteropServices;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>Rows of single precision in eight bits: [B, T, n] → uint8 [B, T, n] and each row's scale [B, T, 1].</summary>
internal static unsafe class QuantizeRowsOperator
{
    public static CustomOperator* Signed() => Create(GraphFunctions.QuantizeRows, &ComputeSigned);

    public static CustomOperator* Rectified() => Create(GraphFunctions.QuantizeRectifiedRows, &ComputeRectified);

    private static CustomOperator* Create(string name, delegate* unmanaged<nint, nint, nint> compute) => CustomOperator.Create(
        name, [TensorElementType.Float], [TensorElementType.UInt8, TensorElementType.Float], null, compute);

    [UnmanagedCallersOnly]
    private static nint ComputeSigned(nint self, nint context) => Compute(context, rectify: false);

    [UnmanagedCallersOnly]
    private static nint ComputeRectified(nint self, nint context) => Compute(context, rectify: true);

    private static nint Compute(nint context, bool rectify) => OrtInterface.Guard(() =>
    {
        var x = OrtInterface.Input(context, 0);
        var (rows, width) = (x.Rows, checked((int)x.Last(1)));
        var shape = x.Shape;
        var bytes = (byte*)OrtInterface.Output(context, 0, shape);
        shape[^1] = 1;
        var scales = (float*)OrtInterface.Output(context, 1, shape);
        var data = (float*)x.Data;
        KernelThreads.ForRows(context, rows, width, (first, last) =>
        {
            for (var row = first; row < last; row++)
                scales[row] = RowQuantization.Row(data + row * width, bytes + row * width, width, rectify);
        });
    });
}
