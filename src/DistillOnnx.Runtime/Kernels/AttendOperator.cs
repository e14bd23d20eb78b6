using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// <see cref="SelfAttention"/> as operators: queries, keys and values [B, S, heads·d], a position bias [1, heads, S, S] and a mask [B, S],
/// 0 for padding → [B, S, heads·d].
/// </summary>
internal static unsafe class AttendOperator
{
    /// <summary>q, k, v, bias, mask int32. It takes the place of a node of ONNX Runtime's <c>MultiHeadAttention</c>.</summary>
    public const string Name = "Attend";

    /// <summary>q, k, v, what their tokens lack as a factor [B, S, 1], bias, mask int64.</summary>
    private const string RowsName = GraphFunctions.AttendRows;

    private const TensorElementType Float = TensorElementType.Float;

    public static CustomOperator* Create() => CustomOperator.Create(
        Name, [Float, Float, Float, Float, TensorElementType.Int32], [Float], &CreateState, &Compute);

    public static CustomOperator* CreateRows() => CustomOperator.Create(
        RowsName, [Float, Float, Float, Float, Float, TensorElementType.Int64], [Float], &CreateState, &ComputeRows);

    [UnmanagedCallersOnly]
    private static nint CreateState(CustomOperator* self, nint api, nint info, nint* state) => NodeState.Create(() =>
    {
        var heads = OrtInterface.IntegerAttribute(info, "heads"u8);
        return heads is > 0 and <= int.MaxValue
            ? new HeadCount((int)heads)
            : throw new InputException($"{Name}: heads: expected a positive number, found {heads}");
    }, state);

    [UnmanagedCallersOnly]
    private static nint Compute(nint self, nint context) => OrtInterface.Guard(() =>
    {
        var mask = OrtInterface.Input(context, 4);
        Attend(self, context, null, OrtInterface.Input(context, 3), mask, token => ((int*)mask.Data)[token] > 0);
    });

    [UnmanagedCallersOnly]
    private static nint ComputeRows(nint self, nint context) => OrtInterface.Guard(() =>
    {
        OrtTensor scale = OrtInterface.Input(context, 3), bias = OrtInterface.Input(context, 4), mask = OrtInterface.Input(context, 5);
        Attend(self, context, scale, bias, mask, token => ((long*)mask.Data)[token] != 0);
    });

    private static void Attend(nint self, nint context, OrtTensor? scale, OrtTensor bias, OrtTensor mask, Predicate<int> isVisible)
    {
        var heads = NodeState.Of<HeadCount>(self).Value;
        OrtTensor q = OrtInterface.Input(context, 0), k = OrtInterface.Input(context, 1), v = OrtInterface.Input(context, 2);
        var (rows, length, width) = (checked((int)mask.Last(2)), checked((int)mask.Last(1)), checked((int)q.Last(1)));
        var tokens = checked(rows * length);
        if (mask.Rank != 2 || width == 0 || width % heads != 0 || !q.Is(rows, length, width) || !k.Is(rows, length, width)
            || !v.Is(rows, length, width) || scale?.Is(rows, length, 1) == false || !bias.Is(1, heads, length, length))
        {
            var factor = scale is { } s ? $"{s}, " : "";
            throw new InputException($"{Name}: shapes {q}, {k}, {v}, {factor}{bias} and {mask} do not go together");
        }

        var visible = new bool[tokens];
        for (var i = 0; i < tokens; i++) visible[i] = isVisible(i);
        new SelfAttention
        {
            Queries = (float*)q.Data,
            Keys = (float*)k.Data,
            Values = (float*)v.Data,
            Scales = scale is null ? null : (float*)scale.Value.Data,
            Bias = (float*)bias.Data,
            Output = (float*)OrtInterface.Output(context, 0, q.Shape),
            Visible = visible,
            Rows = rows,
            Length = length,
            Heads = heads,
            Size = width / heads,
        }.Run(context);
    }

    private sealed record HeadCount(int Value);
}
