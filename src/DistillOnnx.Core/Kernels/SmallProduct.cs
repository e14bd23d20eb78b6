using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DistillOnnx.Core.Kernels;

/// <summary>
/// Matrix products of one attention head of one sequence: too small for a library call to pay, and of a different size for
/// every sequence.
/// </summary>
internal static unsafe class SmallProduct
{
    /// <summary>C = A·B, or C += A·B.</summary>
    /// <param name="a">[m, k]; any strides, so that a transposed matrix needs no copy.</param>
    /// <param name="aRow">Distance between rows of A.</param>
    /// <param name="aColumn">Distance between columns of A.</param>
    /// <param name="b">[k, n], rows contiguous.</param>
    /// <param name="bRow">Distance between rows of B.</param>
    /// <param name="c">[m, n], rows contiguous.</param>
    /// <param name="cRow">Distance between rows of C.</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Columns of A.</param>
    /// <param name="add">Whether C is added to.</param>
    public static void Multiply(
        float* a, int aRow, int aColumn, float* b, int bRow, float* c, int cRow, int m, int n, int k, bool add = false)
    {
        var j = 0;

        // Without registers of 512 bits the accumulators of the wider tile would not fit.
        for (; Vector512.IsHardwareAccelerated && j + 32 <= n; j += 32)
        {
            var i = 0;
            for (; i + 4 <= m; i += 4) Tile4x32(a + (long)i * aRow, aRow, aColumn, b + j, bRow, c + (long)i * cRow + j, cRow, k, add);

            // The last rows again with those before them, which costs less than one row at a time.
            if (i < m && m > 4 && !add)
            {
                Tile4x32(a + (long)(m - 4) * aRow, aRow, aColumn, b + j, bRow, c + (long)(m - 4) * cRow + j, cRow, k, add);
                continue;
            }

            for (; i < m; i++) Tile1x32(a + (long)i * aRow, aColumn, b + j, bRow, c + (long)i * cRow + j, k, add);
        }

        for (; j + 16 <= n; j += 16)
        {
            var i = 0;
            for (; i + 4 <= m; i += 4) Tile4x16(a + (long)i * aRow, aRow, aColumn, b + j, bRow, c + (long)i * cRow + j, cRow, k, add);
            if (i < m && m > 4 && !add)
            {
                Tile4x16(a + (long)(m - 4) * aRow, aRow, aColumn, b + j, bRow, c + (long)(m - 4) * cRow + j, cRow, k, add);
                continue;
            }

            for (; i < m; i++) Tile1x16(a + (long)i * aRow, aColumn, b + j, bRow, c + (long)i * cRow + j, k, add);
        }

        if (j == n) return;
        for (var i = 0; i < m; i++)
        {
            for (var column = j; column < n; column++)
            {
                var sum = add ? c[(long)i * cRow + column] : 0;
                for (var p = 0; p < k; p++) sum += a[(long)i * aRow + (long)p * aColumn] * b[(long)p * bRow + column];
                c[(long)i * cRow + column] = sum;
            }
        }
    }

    /// <summary>Writes the transpose of [rows, columns] with its rows padded by zeros to a stride.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* from, int fromRow, float* to, int toRow, int rows, int columns)
    {
        // Some columns at a time: a row's elements lie in one line of the cache, which rows far apart would soon push out.
        const int Block = 16;
        for (var first = 0; first < columns; first += Block)
        {
            var last = Math.Min(first + Block, columns);
            var row = 0;
            for (; row + 4 <= rows; row += 4)
            {
                var line = from + (long)row * fromRow;
                var column = first;
                for (; column + 4 <= last; column += 4) Transpose4x4(line + column, fromRow, to + (long)column * toRow + row, toRow);
                for (; column < last; column++)
                {
                    for (var i = 0; i < 4; i++) to[(long)column * toRow + row + i] = line[(long)i * fromRow + column];
                }
            }

            for (; row < rows; row++)
            {
                for (var column = first; column < last; column++) to[(long)column * toRow + row] = from[(long)row * fromRow + column];
            }

            if (rows == toRow) continue;
            for (var column = first; column < last; column++)
                new Span<float>(to + (long)column * toRow + rows, toRow - rows).Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose4x4(float* from, int fromRow, float* to, int toRow)
    {
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + fromRow);
        Vector128<float> c = Vector128.Load(from + 2 * fromRow), d = Vector128.Load(from + 3 * fromRow);
        if (Sse.IsSupported)
        {
            var (ab, cd) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d));
            Sse.MoveLowToHigh(ab, cd).Store(to);
            Sse.MoveHighToLow(cd, ab).Store(to + toRow);
            (ab, cd) = (Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
            Sse.MoveLowToHigh(ab, cd).Store(to + 2 * toRow);
            Sse.MoveHighToLow(cd, ab).Store(to + 3 * toRow);
            return;
        }

        for (var i = 0; i < 4; i++) Vector128.Create(a[i], b[i], c[i], d[i]).Store(to + i * toRow);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x32(float* a, int aRow, int aColumn, float* b, int bRow, float* c, int cRow, int k, bool add)
    {
        Vector512<float> c00 = default, c01 = default, c10 = default, c11 = default;
        Vector512<float> c20 = default, c21 = default, c30 = default, c31 = default;
        if (add)
        {
            (c00, c01) = (Vector512.Load(c), Vector512.Load(c + 16));
            (c10, c11) = (Vector512.Load(c + cRow), Vector512.Load(c + cRow + 16));
            (c20, c21) = (Vector512.Load(c + 2 * cRow), Vector512.Load(c + 2 * cRow + 16));
            (c30, c31) = (Vector512.Load(c + 3 * cRow), Vector512.Load(c + 3 * cRow + 16));
        }

        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        long at = 0;
        for (var p = 0; p < k; p++, b += bRow, at += aColumn)
        {
            var b0 = Vector512.Load(b);
            var b1 = Vector512.Load(b + 16);
            var x = Vector512.Create(a[at]);
            c00 = Vector512.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a1[at]);
            c10 = Vector512.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a2[at]);
            c20 = Vector512.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a3[at]);
            c30 = Vector512.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x, b1, c31);
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c20.Store(c + 2 * cRow);
        c21.Store(c + 2 * cRow + 16);
        c30.Store(c + 3 * cRow);
        c31.Store(c + 3 * cRow + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x16(float* a, int aRow, int aColumn, float* b, int bRow, float* c, int cRow, int k, bool add)
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default;
        if (add)
            (c0, c1, c2, c3) = (Vector512.Load(c), Vector512.Load(c + cRow), Vector512.Load(c + 2 * cRow), Vector512.Load(c + 3 * cRow));
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        long at = 0;
        for (var p = 0; p < k; p++, b += bRow, at += aColumn)
        {
            var line = Vector512.Load(b);
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[at]), line, c0);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a1[at]), line, c1);
            c2 = Vector512.FusedMultiplyAdd(Vector512.Create(a2[at]), line, c2);
            c3 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[at]), line, c3);
        }

        c0.Store(c);
        c1.Store(c + cRow);
        c2.Store(c + 2 * cRow);
        c3.Store(c + 3 * cRow);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x32(float* a, int aColumn, float* b, int bRow, float* c, int k, bool add)
    {
        var c0 = add ? Vector512.Load(c) : default;
        var c1 = add ? Vector512.Load(c + 16) : default;
        long at = 0;
        for (var p = 0; p < k; p++, b += bRow, at += aColumn)
        {
            var x = Vector512.Create(a[at]);
            c0 = Vector512.FusedMultiplyAdd(x, Vector512.Load(b), c0);
            c1 = Vector512.FusedMultiplyAdd(x, Vector512.Load(b + 16), c1);
        }

        c0.Store(c);
        c1.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x16(float* a, int aColumn, float* b, int bRow, float* c, int k, bool add)
    {
        var c0 = add ? Vector512.Load(c) : default;
        long at = 0;
        for (var p = 0; p < k; p++, b += bRow, at += aColumn)
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[at]), Vector512.Load(b), c0);
        c0.Store(c);
    }
}
