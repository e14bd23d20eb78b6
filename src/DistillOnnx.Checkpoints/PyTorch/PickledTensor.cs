namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>A view of a storage. Every element it names lies within the storage.</summary>
/// <param name="Storage">Where the elements are.</param>
/// <param name="Offset">Position of the first one, in elements.</param>
/// <param name="Shape">Dimensions, slowest first.</param>
/// <param name="Strides">Steps in elements, one a dimension.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    private const int MostDimensions = 32;

    /// <summary>Whether the elements stand in row-major order without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            var step = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] == 0) return true;
                if (Shape[i] != 1 && Strides[i] != step) return false;
                step *= Shape[i];
            }

            return true;
        }
    }

    /// <summary>Checks that the view lies within its storage and names no more elements than the storage has.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? Fault()
    {
        if (Shape.Length != Strides.Length) return $"{Shape.Length} dimensions but {Strides.Length} strides";
        if (Shape.Length > MostDimensions) return $"more than {MostDimensions} dimensions";
        if (Offset < 0 || Shape.Any(d => d < 0) || Strides.Any(s => s < 0)) return "a negative offset, dimension or stride";
        if (Offset > Storage.Count) return $"an offset of {Offset} in a storage of {Storage.Count}";
        UInt128 count = 1, last = (UInt128)Offset;
        for (var i = 0; i < Shape.Length; i++)
        {
            count *= (UInt128)Shape[i];
            if (count > long.MaxValue) return "more elements than its storage";
            if (Shape[i] > 0) last += (UInt128)(Shape[i] - 1) * (UInt128)Strides[i];
            if (last > long.MaxValue) return "elements outside its storage";
        }

        if (count > (UInt128)Storage.Count) return $"{count} elements of a storage that has {Storage.Count}";
        return count > 0 && last >= (UInt128)Storage.Count ? $"elements outside its storage of {Storage.Count}" : null;
    }
}
