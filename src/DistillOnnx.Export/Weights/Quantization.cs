using System.Numerics.Tensors;

namespace DistillOnnx.Export.Weights;

/// <summary>Weights in fewer bits. Symmetric throughout: zero stays zero, so that no product needs an offset of its own.</summary>
internal static class Quantization
{
    /// <summary>Elements that share a scale in four bits.</summary>
    public const int BlockSize = 32;

    /// <summary>
    /// Largest magnitude of an eight-bit weight. Processors without VNNI add two products of an unsigned and a signed byte in
    /// sixteen bits, saturating: 2 · 255 · 64 just fits, so results do not depend on the machine.
    /// </summary>
    public const int Int8Limit = 64;

    /// <summary>A scale per column of [rows, columns].</summary>
    public static float[] ColumnScales(float[] values, int rows, int columns)
    {
        var scales = new float[columns];
        for (var r = 0; r < rows; r++) TensorPrimitives.MaxMagnitude(scales, values.AsSpan(r * columns, columns), scales);
        for (var c = 0; c < columns; c++) scales[c] = scales[c] == 0 ? 1 : Math.Abs(scales[c]) / Int8Limit;
        return scales;
    }

    /// <summary>[rows, columns] in eight bits with a scale per column.</summary>
    public static sbyte[] ByColumn(float[] values, int rows, int columns, float[] scales)
    {
        var result = new sbyte[values.Length];
        Parallel.For(0, rows, r =>
        {
            var row = values.AsSpan(r * columns, columns).ToArray();
            TensorPrimitives.Divide(row, scales, row);
            TensorPrimitives.Round<float>(row, row);
            // A scale among the smallest numbers there are is itself rounded, and the quotient may be a step too far.
            TensorPrimitives.Clamp<float>(row, -Int8Limit, Int8Limit, row);
            TensorPrimitives.ConvertSaturating<float, sbyte>(row, result.AsSpan(r * columns, columns));
        });
        return result;
    }

    /// <summary>
    /// A scale per row of [rows, columns], for tables that are looked up and never multiplied in integers: all of eight bits.
    /// </summary>
    public static float[] RowScales(float[] values, int rows, int columns)
    {
        var scales = new float[rows];
        for (var r = 0; r < rows; r++)
        {
            var largest = Math.Abs(TensorPrimitives.MaxMagnitude<float>(values.AsSpan(r * columns, columns)));
            scales[r] = largest == 0 ? 1 : largest / 127;
        }

        return scales;
    }

    /// <summary>[rows, columns] in eight bits with a scale per row.</summary>
    public static sbyte[] ByRow(float[] values, int rows, int columns, float[] scales)
    {
        var result = new sbyte[values.Length];
        Parallel.For(0, rows, r =>
        {
            var row = values.AsSpan(r * columns, columns).ToArray();
            TensorPrimitives.Divide(row, scales[r], row);
            TensorPrimitives.Round<float>(row, row);
            TensorPrimitives.ConvertSaturating<float, sbyte>(row, result.AsSpan(r * columns, columns));
        });
        return result;
    }

    /// <summary>
    /// [outputs, inputs] in four bits as ONNX Runtime's MatMulNBits reads them: blocks of <see cref="BlockSize"/> inputs, the
    /// first of two in the low half of a byte, 8 for zero. The scale is such that the value farthest from zero is met exactly.
    /// </summary>
    /// <returns>Bytes [outputs, blocks, BlockSize / 2] and scales [outputs, blocks].</returns>
    public static (byte[] Packed, float[] Scales) ByBlock(float[] values, int outputs, int inputs)
    {
        var blocks = (inputs + BlockSize - 1) / BlockSize;
        var packed = new byte[outputs * blocks * (BlockSize / 2)];
        var scales = new float[outputs * blocks];
        Parallel.For(0, outputs, row =>
        {
            for (var block = 0; block < blocks; block++)
            {
                var span = values.AsSpan((row * inputs) + (block * BlockSize), Math.Min(BlockSize, inputs - (block * BlockSize)));
                var farthest = 0f;
                foreach (var value in span)
                {
                    if (Math.Abs(value) > Math.Abs(farthest)) farthest = value;
                }

                var scale = farthest == 0 ? 1 : farthest / -8;
                scales[(row * blocks) + block] = scale;
                var bytes = packed.AsSpan(((row * blocks) + block) * (BlockSize / 2), BlockSize / 2);
                bytes.Fill(0x88);
                for (var i = 0; i < span.Length; i++)
                {
                    var q = (byte)Math.Clamp(MathF.Round(span[i] / scale) + 8, 0, 15);
                    bytes[i / 2] = (byte)((i & 1) == 0 ? (bytes[i / 2] & 0xF0) | q : (bytes[i / 2] & 0x0F) | (q << 4));
                }
            }
        });
        return (packed, scales);
    }
}
