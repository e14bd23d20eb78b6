using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// An encoder's self-attention: softmax(q·kᵀ + bias)·v, one head of one row at a time. Scores stay in the cache, and padding is not
/// computed: as a query its result is 0.
/// </summary>
internal sealed unsafe class SelfAttention
{
    /// <summary>Scores of a head that are computed at once, and the queries whose scores are however long the keys.</summary>
    private const int ScoresAtOnce = 16384, LeastRows = 16;

    /// <summary>So many multiplications and additions of a product take as long as one value elsewhere.</summary>
    private const int OperationsAsValue = 8;

    /// <summary>[Rows, Length, Heads·Size] each.</summary>
    public required float* Queries, Keys, Values;

    /// <summary>Receives the result, of the same shape.</summary>
    public required float* Output;

    /// <summary>What each token's query, key and value still lack as a factor, [Rows, Length]; null: nothing.</summary>
    public float* Scales;

    /// <summary>Added to scores: [Heads, Length, Length].</summary>
    public required float* Bias;

    /// <summary>Which tokens are no padding: [Rows, Length].</summary>
    public required bool[] Visible;

    /// <summary>The shape.</summary>
    public required int Rows, Length, Heads, Size;

    private int Width => Heads * Size;

    /// <summary>Attends, on the session's threads.</summary>
    /// <param name="context">The node's run.</param>
    public void Run(nint context)
    {
        var work = (long)Length * Length * Size / OperationsAsValue;
        KernelThreads.ForRows(context, (long)Rows * Heads, work, (first, last) =>
        {
            for (var part = first; part < last; part++) Head((int)(part / Heads), (int)(part % Heads));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Head(int row, int head)
    {
        var visible = Visible.AsSpan(row * Length, Length);
        var at = (long)row * Length * Width + head * Size;
        float* q = Queries + at, k = Keys + at, v = Values + at, output = Output + at;
        var bias = Bias + (long)head * Length * Length;
        var scale = Scales == null ? null : Scales + (long)row * Length;

        // Padding stands at the end; where it stands elsewhere, its keys are hidden one by one.
        var keys = visible.LastIndexOf(true) + 1;
        var hidden = visible[..keys].Contains(false) ? visible : default;
        var stride = (keys + 15) & ~15;
        var most = Math.Min(keys, Math.Max(LeastRows, ScoresAtOnce / Math.Max(stride, 1) & ~3));
        var transposed = KernelThreads.Scratch((long)Size * stride + stride + (long)most * stride + most);
        float* scales = transposed + (long)Size * stride, scores = scales + stride, shares = scores + (long)most * stride;
        for (var j = 0; j < stride; j++) scales[j] = j >= keys || !visible[j] ? 0 : scale == null ? 1 : scale[j];
        SmallProduct.Transpose(k, Width, transposed, stride, keys, Size);

        // The rows of the next head are far apart in memory: the processor is asked for them while this one is computed.
        var ahead = head + 1 < Heads ? Size : row + 1 < Rows ? (long)Length * Width - head * Size : 0;
        for (var first = 0; first < keys; first += most)
        {
            var count = Math.Min(most, keys - first);
            SmallProduct.Multiply(q + (long)first * Width, Width, 1, transposed, stride, scores, stride, count, stride, Size);
            for (var i = 0; i < count; i++)
            {
                var query = first + i;
                if (ahead > 0) Fetch(q, k, v, (long)query * Width + ahead, Size);
                shares[i] = Complete(
                    scores + (long)i * stride, bias + (long)query * Length, scales, scale == null ? 1 : scale[query], keys, stride, hidden);
            }

            for (var i = 0; i < count; i++) shares[i] = Exponentials(scores + (long)i * stride, scales, shares[i], stride);
            var target = output + (long)first * Width;
            SmallProduct.Multiply(scores, stride, 1, v, Width, target, Width, count, Size, keys);
            for (var i = 0; i < count; i++) Multiply(target + (long)i * Width, shares[i], Size);
        }

        for (var i = 0; i < Length; i++)
        {
            if (!visible[i]) new Span<float>(output + (long)i * Width, Size).Clear();
        }
    }

    private static void Fetch(float* q, float* k, float* v, long at, int size)
    {
        if (!Sse.IsSupported) return;
        for (var i = 0; i < size; i += 16)
        {
            Sse.Prefetch1(q + at + i);
            Sse.Prefetch1(k + at + i);
            Sse.Prefetch1(v + at + i);
        }
    }

    /// <summary>Puts back what scores lack, and gives the largest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Complete(float* line, float* bias, float* scales, float scale, int keys, int stride, ReadOnlySpan<bool> visible)
    {
        var factor = Vector512.Create(scale);
        var tops = Vector512.Create(float.NegativeInfinity);
        var j = 0;
        for (; j + 16 <= keys; j += 16)
        {
            var score = Vector512.FusedMultiplyAdd(
                Vector512.Load(line + j) * Vector512.Load(scales + j), factor, Vector512.Load(bias + j));
            score.Store(line + j);
            tops = Vector512.MaxNative(tops, score);
        }

        var top = Lanes.Largest(tops);
        for (; j < keys; j++)
        {
            line[j] = MathF.FusedMultiplyAdd(line[j] * scales[j], scale, bias[j]);
            top = Math.Max(top, line[j]);
        }

        for (; j < stride; j++) line[j] = float.NegativeInfinity;
        return visible.IsEmpty ? top : Hide(line, visible, keys);
    }

    /// <summary>Scores become probabilities, each times the scale that its value lacks, up to a factor, which is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* line, float* scales, float top, int stride)
    {
        var shift = Vector512.Create(top);
        var sums = Vector512<float>.Zero;
        for (var j = 0; j < stride; j += 16)
        {
            var e = Exponential.Of(Vector512.Load(line + j) - shift);
            (e * Vector512.Load(scales + j)).Store(line + j);
            sums += e;
        }

        return 1 / Vector512.Sum(sums);
    }

    /// <summary>Takes keys out, and gives the largest score of the others.</summary>
    private static float Hide(float* line, ReadOnlySpan<bool> visible, int keys)
    {
        var top = float.NegativeInfinity;
        for (var j = 0; j < keys; j++)
        {
            if (!visible[j]) line[j] = float.NegativeInfinity;
            top = Math.Max(top, line[j]);
        }

        return top;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(float* values, float factor, int count)
    {
        var i = 0;
        for (; i + 16 <= count; i += 16) (Vector512.Load(values + i) * factor).Store(values + i);
        for (; i < count; i++) values[i] *= factor;
    }
}
