using TorchSharp;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Arithmetic of tensors with numbers. TorchSharp makes a native copy of every number, also of those that its own operators add, and keeps
/// no reference to it: a garbage collection that another thread starts frees it while the call reads it, and the call fails or computes
/// with another number. Here each lives until its call has ended.
/// </summary>
internal static class TensorMath
{
    private static readonly Scalar One = 1;

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, double y)
    {
        using Scalar number = y;
        return x.add(number, One);
    }

    /// <summary>x·factor.</summary>
    public static Tensor Times(this Tensor x, double factor)
    {
        using Scalar number = factor;
        return x.mul(number);
    }

    /// <summary>x².</summary>
    public static Tensor Squared(this Tensor x) => x.mul(x);

    /// <summary>x ← x + y·alpha.</summary>
    public static Tensor AddInPlace(this Tensor x, Tensor y, double alpha = 1)
    {
        using Scalar number = alpha;
        return x.add_(y, number);
    }

    /// <summary>x ← x + y.</summary>
    public static Tensor AddInPlace(this Tensor x, double y)
    {
        using Scalar number = y;
        return x.add_(number, One);
    }

    /// <summary>x ← x·factor.</summary>
    public static Tensor MultiplyInPlace(this Tensor x, double factor)
    {
        using Scalar number = factor;
        return x.mul_(number);
    }

    /// <summary>x ← max(x, least).</summary>
    public static Tensor AtLeastInPlace(this Tensor x, double least)
    {
        using Scalar number = least;
        return x.clamp_(min: number);
    }

    /// <summary>x ← min(x, most).</summary>
    public static Tensor AtMostInPlace(this Tensor x, double most)
    {
        using Scalar number = most;
        return x.clamp_(max: number);
    }

    /// <summary>x ← value.</summary>
    public static Tensor FillInPlace(this Tensor x, double value)
    {
        using Scalar number = value;
        return x.fill_(number);
    }

    /// <summary>Whether each element equals a number.</summary>
    public static Tensor EqualTo(this Tensor x, long value)
    {
        using Scalar number = value;
        return x.eq(number);
    }

    /// <summary>Whether each element differs from a number.</summary>
    public static Tensor OtherThan(this Tensor x, long value)
    {
        using Scalar number = value;
        return x.ne(number);
    }

    /// <summary>x, with a number where the mask is set.</summary>
    public static Tensor FilledWhere(this Tensor x, Tensor mask, long value)
    {
        using Scalar number = value;
        return x.masked_fill(mask, number);
    }

    /// <summary>A tensor of one number.</summary>
    public static Tensor Constant(long[] shape, double value, ScalarType type, Device device)
    {
        using Scalar number = value;
        return full(shape, number, dtype: type, device: device);
    }
}
