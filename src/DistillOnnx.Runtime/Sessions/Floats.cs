using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>Reads floating tensors of the processor's memory, whatever their width.</summary>
internal static class Floats
{
    /// <summary>The elements of a tensor: the tensor's own memory in fp32, a copy in fp16.</summary>
    /// <param name="value">A tensor of fp32 or fp16; must outlive the span.</param>
    public static ReadOnlySpan<float> Of(OrtValue value)
    {
        if (value.GetTensorTypeAndShape().ElementDataType == TensorElementType.Float) return value.GetTensorDataAsSpan<float>();
        var halves = value.GetTensorDataAsSpan<Float16>();
        var floats = new float[halves.Length];
        for (var i = 0; i < floats.Length; i++) floats[i] = (float)BitConverter.UInt16BitsToHalf(halves[i].value);
        return floats;
    }
}
