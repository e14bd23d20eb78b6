using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// Matrix products of integers of 16 bits, summed in 32: an instruction multiplies two neighbours at a time, so that a product takes two
/// thirds of the time of one in single precision. An element of A or B here is such a pair, the lower half first.
/// </summary>
internal static unsafe class PairProduct
{
    /// <summary>Columns of B and C come by so many.</summary>
    public const int Columns = 16;

    /// <summary>Whether this processor has the instruction.</summary>
    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>C = A·B. The caller sees to it that no sum leaves 32 bits.</summary>
    /// <param name="a">Pairs, [m, k], rows contiguous.</param>
    /// <param name="aRow">Distance between rows of A.</param>
    /// <param name="b">Pairs, [k, n], rows contiguous.</param>
    /// <param name="bRow">Distance between rows of B.</param>
    /// <param name="c">[m, n], rows contiguous.</param>
    /// <param name="cRow">Distance between rows of C.</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C, a multiple of <see cref="Columns"/>.</param>
    /// <param name="k">Pairs of a row of A.</param>
    public static void Multiply(int* a, int aRow, int* b, int bRow, int* c, int cRow, int m, int n, int k)
    {
        var j = 0;

        // Without registers of 512 bits the accumulators of the wider tile would not fit.
        if (Vector512.IsHardwareAccelerated)
        {
            for (; j + 2 * Columns <= n; j += 2 * Columns)
            {
                var i = 0;
                for (; i + 4 <= m; i += 4) Tile4x32(a + (long)i * aRow, aRow, b + j, bRow, c + (long)i * cRow + j, cRow, k);

                // The last rows again with those before them, which costs less than one row at a time.
                if (i < m && m > 4)
                {
                    i = m - 4;
                    Tile4x32(a + (long)i * aRow, aRow, b + j, bRow, c + (long)i * cRow + j, cRow, k);
                    continue;
                }

                for (; i < m; i++)
                {
                    Tile1x16(a + (long)i * aRow, b + j, bRow, c + (long)i * cRow + j, k);
                    Tile1x16(a + (long)i * aRow, b + j + Columns, bRow, c + (long)i * cRow + j + Columns, k);
                }
            }
        }

        for (; j < n; j += Columns)
        {
            var i = 0;
            for (; i + 4 <= m; i += 4) Tile4x16(a + (long)i * aRow, aRow, b + j, bRow, c + (long)i * cRow + j, cRow, k);
            for (; i < m; i++) Tile1x16(a + (long)i * aRow, b + j, bRow, c + (long)i * cRow + j, k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> MultiplyAdd(int* a, Vector512<short> b, Vector512<int> c)
    {
        if (Avx512BW.IsSupported) return c + Avx512BW.MultiplyAddAdjacent(Vector512.Create(*a).AsInt16(), b);
        var x = Vector256.Create(*a).AsInt16();
        return c + Vector512.Create(Avx2.MultiplyAddAdjacent(x, b.GetLower()), Avx2.MultiplyAddAdjacent(x, b.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pairs(int* at) => Vector512.Load(at).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x32(int* a, int aRow, int* b, int bRow, int* c, int cRow, int k)
    {
        Vector512<int> c00 = default, c01 = default, c10 = default, c11 = default;
        Vector512<int> c20 = default, c21 = default, c30 = default, c31 = default;
        int* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        for (var p = 0; p < k; p++, b += bRow)
        {
            var (b0, b1) = (Pairs(b), Pairs(b + Columns));
            c00 = MultiplyAdd(a + p, b0, c00);
            c01 = MultiplyAdd(a + p, b1, c01);
            c10 = MultiplyAdd(a1 + p, b0, c10);
            c11 = MultiplyAdd(a1 + p, b1, c11);
            c20 = MultiplyAdd(a2 + p, b0, c20);
            c21 = MultiplyAdd(a2 + p, b1, c21);
            c30 = MultiplyAdd(a3 + p, b0, c30);
            c31 = MultiplyAdd(a3 + p, b1, c31);
        }

        c00.Store(c);
        c01.Store(c + Columns);
        c10.Store(c + cRow);
        c11.Store(c + cRow + Columns);
        c20.Store(c + 2 * cRow);
        c21.Store(c + 2 * cRow + Columns);
        c30.Store(c + 3 * cRow);
        c31.Store(c + 3 * cRow + Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x16(int* a, int aRow, int* b, int bRow, int* c, int cRow, int k)
    {
        Vector512<int> c0 = default, c1 = default, c2 = default, c3 = default;
        int* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        for (var p = 0; p < k; p++, b += bRow)
        {
            var line = Pairs(b);
            c0 = MultiplyAdd(a + p, line, c0);
            c1 = MultiplyAdd(a1 + p, line, c1);
            c2 = MultiplyAdd(a2 + p, line, c2);
            c3 = MultiplyAdd(a3 + p, line, c3);
        }

        c0.Store(c);
        c1.Store(c + cRow);
        c2.Store(c + 2 * cRow);
        c3.Store(c + 3 * cRow);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x16(int* a, int* b, int bRow, int* c, int k)
    {
        Vector512<int> sum = default;
        for (var p = 0; p < k; p++, b += bRow) sum = MultiplyAdd(a + p, Pairs(b), sum);
        sum.Store(c);
    }
}
