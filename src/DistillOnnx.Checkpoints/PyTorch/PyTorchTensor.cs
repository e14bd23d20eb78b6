namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>A tensor of a PyTorch file.</summary>
/// <param name="Info">Name, type and shape.</param>
/// <param name="View">Its place in its storage.</param>
/// <param name="Start">Where its first element stands in the file.</param>
internal sealed record PyTorchTensor(TensorInfo Info, PickledTensor View, long Start)
{
    /// <summary>Gathers a run of elements, in row-major order of the tensor, that do not stand in that order in the file.</summary>
    public void Gather(MappedFile file, Span<byte> destination, long offset)
    {
        MappedTensor.RequireRun(Info, destination.Length, offset);
        var size = Info.Type.Size();
        var rank = View.Shape.Length;
        var index = new long[rank];
        var remainder = offset / size;
        var element = 0L;
        for (var i = rank - 1; i >= 0; i--)
        {
            (remainder, index[i]) = Math.DivRem(remainder, View.Shape[i]);
            element += index[i] * View.Strides[i];
        }

        for (; !destination.IsEmpty; destination = destination[size..])
        {
            file.Slice(Start + element * size, size).CopyTo(destination);
            for (var i = rank - 1; i >= 0; i--)
            {
                element += View.Strides[i];
                if (++index[i] < View.Shape[i]) break;
                element -= View.Shape[i] * View.Strides[i];
                index[i] = 0;
            }
        }
    }
}
