using System.Diagnostics.CodeAnalysis;

namespace DistillOnnx.Checkpoints;

/// <summary>Sizes and safetensors spellings of the element types.</summary>
public static class TensorTypes
{
    private static readonly (TensorType Type, string Code, int Size)[] Known =
    [
        (TensorType.Float32, "F32", 4),
        (TensorType.Float16, "F16", 2),
        (TensorType.BFloat16, "BF16", 2),
        (TensorType.Float64, "F64", 8),
        (TensorType.Float8E5M2, "F8_E5M2", 1),
        (TensorType.Float8E4M3, "F8_E4M3", 1),
        (TensorType.Bool, "BOOL", 1),
        (TensorType.UInt8, "U8", 1),
        (TensorType.Int8, "I8", 1),
        (TensorType.UInt16, "U16", 2),
        (TensorType.Int16, "I16", 2),
        (TensorType.UInt32, "U32", 4),
        (TensorType.Int32, "I32", 4),
        (TensorType.UInt64, "U64", 8),
        (TensorType.Int64, "I64", 8),
        (TensorType.Complex64, "C64", 8),
    ];

    /// <summary>Bytes of one element.</summary>
    /// <param name="type">The element type.</param>
    public static int Size(this TensorType type) => Known[(int)type].Size;

    /// <summary>The safetensors spelling, for instance <c>BF16</c>.</summary>
    /// <param name="type">The element type.</param>
    public static string Code(this TensorType type) => Known[(int)type].Code;

    /// <summary>Whether weights can be read from this type: F32, F16 and BF16.</summary>
    /// <param name="type">The element type.</param>
    public static bool IsWeight(this TensorType type) => type is TensorType.Float32 or TensorType.Float16 or TensorType.BFloat16;

    /// <summary>The type with a safetensors spelling.</summary>
    /// <param name="code">The spelling.</param>
    /// <param name="type">The type.</param>
    /// <returns>Whether the spelling is known.</returns>
    public static bool TryParse([NotNullWhen(true)] string? code, out TensorType type)
    {
        foreach (var known in Known)
        {
            if (known.Code != code) continue;
            type = known.Type;
            return true;
        }

        type = default;
        return false;
    }
}
