namespace DistillOnnx.Checkpoints;

/// <summary>
/// The element types that checkpoint files know. Weights are read from the floating ones of at least 16 bits; the rest are recognised, so
/// that a message can name them.
/// </summary>
public enum TensorType
{
    /// <summary>IEEE single precision, <c>F32</c>.</summary>
    Float32,

    /// <summary>IEEE half precision, <c>F16</c>.</summary>
    Float16,

    /// <summary>The upper half of a single, <c>BF16</c>.</summary>
    BFloat16,

    /// <summary>IEEE double precision, <c>F64</c>.</summary>
    Float64,

    /// <summary>Eight bits with five of exponent, <c>F8_E5M2</c>.</summary>
    Float8E5M2,

    /// <summary>Eight bits with four of exponent, <c>F8_E4M3</c>.</summary>
    Float8E4M3,

    /// <summary>One byte, zero or one, <c>BOOL</c>.</summary>
    Bool,

    /// <summary>Unsigned byte, <c>U8</c>.</summary>
    UInt8,

    /// <summary>Signed byte, <c>I8</c>.</summary>
    Int8,

    /// <summary>Unsigned 16-bit integer, <c>U16</c>.</summary>
    UInt16,

    /// <summary>Signed 16-bit integer, <c>I16</c>.</summary>
    Int16,

    /// <summary>Unsigned 32-bit integer, <c>U32</c>.</summary>
    UInt32,

    /// <summary>Signed 32-bit integer, <c>I32</c>.</summary>
    Int32,

    /// <summary>Unsigned 64-bit integer, <c>U64</c>.</summary>
    UInt64,

    /// <summary>Signed 64-bit integer, <c>I64</c>.</summary>
    Int64,

    /// <summary>Two singles, <c>C64</c>.</summary>
    Complex64,
}
