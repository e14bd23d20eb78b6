using System.Numerics.Tensors;

namespace DistillOnnx.Export.Weights;

/// <summary>Arithmetic on row-major matrices, for what an export works out ahead.</summary>
internal static class Matrices
{
    private const int Block = 32;

    /// <summary>[rows, columns] to [columns, rows].</summary>
    public static float[] Transpose(float[] values, int rows, int columns)
    {
        var result = new float[values.Length];
        Parallel.For(0, (rows + Block - 1) / Block, block =>
        {
            var last = Math.Min(rows, (block + 1) * Block);
            for (var c0 = 0; c0 < columns; c0 += Block)
            {
                var c1 = Math.Min(columns, c0 + Block);
                for (var r = block * Block; r < last; r++)
                {
                    for (var c = c0; c < c1; c++) result[((long)c * rows) + r] = values[((long)r * columns) + c];
                }
            }
        });
        return result;
    }

    /// <summary>A·B for A [n, k] and B [k, m].</summary>
    public static float[] Multiply(float[] a, float[] b, int n, int k, int m)
    {
        var result = new float[checked(n * m)];
        Parallel.For(0, n, row =>
        {
            var sum = new double[m];
            var wide = new double[m];
            for (var i = 0; i < k; i++)
            {
                TensorPrimitives.ConvertTruncating<float, double>(b.AsSpan(i * m, m), wide);
                TensorPrimitives.MultiplyAdd(wide, (double)a[(row * k) + i], sum, sum);
            }

            TensorPrimitives.ConvertTruncating<double, float>(sum, result.AsSpan(row * m, m));
        });
        return result;
    }
}
