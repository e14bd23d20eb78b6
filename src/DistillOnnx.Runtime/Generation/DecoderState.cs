using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Generation;

/// <summary>
/// Keys and values of every decoder layer: those of the tokens decoded so far, and those of the encoder's states, which
/// never change. They are ONNX Runtime's own tensors and pass from one run to the next without a copy.
/// </summary>
internal sealed class DecoderState(int layers) : IDisposable
{
    /// <summary>Self-attention, per layer key then value: [rows, heads, decoded, d_kv].</summary>
    public OrtValue?[] Self { get; } = new OrtValue?[2 * layers];

    /// <summary>Cross-attention, per layer key then value: [rows, heads, sequence, d_kv].</summary>
    public OrtValue?[] Cross { get; } = new OrtValue?[2 * layers];

    /// <summary>
    /// Makes row i continue what row <paramref name="sources"/>[i] decoded. The cross-attention stays: rows trade places
    /// only within the beams of one input.
    /// </summary>
    /// <param name="sources">For each row, the row it continues. The tensors must lie in the processor's memory.</param>
    public void Reorder(ReadOnlySpan<int> sources)
    {
        if (IsInOrder(sources)) return;
        for (var i = 0; i < Self.Length; i++)
        {
            using var old = Self[i]!;
            Self[i] = Gather(old, sources);
        }
    }

    /// <summary>Whether every row continues itself.</summary>
    public static bool IsInOrder(ReadOnlySpan<int> sources)
    {
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] != i) return false;
        }

        return true;
    }

    public void Dispose()
    {
        foreach (var value in Self) value?.Dispose();
        foreach (var value in Cross) value?.Dispose();
    }

    /// <summary>A tensor whose row i is row <paramref name="sources"/>[i] of another.</summary>
    public static OrtValue Gather(OrtValue source, ReadOnlySpan<int> sources)
    {
        var info = source.GetTensorTypeAndShape();
        var shape = (long[])info.Shape.Clone();
        var rowElements = 1L;
        for (var i = 1; i < shape.Length; i++) rowElements *= shape[i];
        var rowBytes = checked((int)(rowElements * (info.ElementDataType == TensorElementType.Float ? 4 : 2)));
        shape[0] = sources.Length;
        var target = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, info.ElementDataType, shape);
        var from = source.GetTensorMutableRawData();
        var to = target.GetTensorMutableRawData();
        for (var i = 0; i < sources.Length; i++) from.Slice(sources[i] * rowBytes, rowBytes).CopyTo(to[(i * rowBytes)..]);
        return target;
    }
}
