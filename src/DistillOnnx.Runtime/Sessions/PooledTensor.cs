using System.Buffers;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>An input tensor over a rented array: no copy on the way into ONNX Runtime, no garbage after.</summary>
/// <typeparam name="T">Element type.</typeparam>
internal sealed class PooledTensor<T> : IDisposable
    where T : unmanaged
{
    private readonly int _length;
    private T[]? _array;

    /// <summary>Rents a tensor of zeros.</summary>
    /// <param name="shape">Its shape.</param>
    public PooledTensor(params long[] shape)
    {
        _length = 1;
        foreach (var dimension in shape) _length = checked(_length * (int)dimension);
        _array = ArrayPool<T>.Shared.Rent(Math.Max(1, _length));
        Span.Clear();
        Value = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, _array.AsMemory(0, _length), shape);
    }

    /// <summary>The elements, row by row.</summary>
    public Span<T> Span => _array.AsSpan(0, _length);

    /// <summary>The tensor.</summary>
    public OrtValue Value { get; }

    public void Dispose()
    {
        if (_array is null) return;
        Value.Dispose();
        ArrayPool<T>.Shared.Return(_array);
        _array = null;
    }
}
