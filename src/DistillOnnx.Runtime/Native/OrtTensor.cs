namespace DistillOnnx.Runtime.Native;

/// <summary>A tensor that ONNX Runtime owns.</summary>
internal unsafe struct OrtTensor
{
    public const int MostDimensions = 8;

    /// <summary>Its first element.</summary>
    public void* Data;

    /// <summary>Number of dimensions.</summary>
    public int Rank;

    /// <summary>Its shape, of which <see cref="Rank"/> count.</summary>
    public fixed long Dimensions[MostDimensions];

    /// <summary>A dimension, counted from the last, which is 1.</summary>
    public readonly long Last(int place) => place <= Rank ? Dimensions[Rank - place] : 1;

    /// <summary>Its shape, as an array of its own.</summary>
    public readonly long[] Shape
    {
        get
        {
            var shape = new long[Rank];
            for (var i = 0; i < Rank; i++) shape[i] = Dimensions[i];
            return shape;
        }
    }

    /// <summary>Whether this is its shape.</summary>
    public readonly bool Is(params ReadOnlySpan<long> shape)
    {
        if (shape.Length != Rank) return false;
        for (var i = 0; i < Rank; i++)
        {
            if (Dimensions[i] != shape[i]) return false;
        }

        return true;
    }

    /// <summary>Product of all dimensions but the last.</summary>
    public readonly long Rows
    {
        get
        {
            var rows = 1L;
            for (var i = 0; i < Rank - 1; i++) rows *= Dimensions[i];
            return rows;
        }
    }

    /// <inheritdoc/>
    public readonly override string ToString() => $"[{string.Join(", ", Shape)}]";
}
