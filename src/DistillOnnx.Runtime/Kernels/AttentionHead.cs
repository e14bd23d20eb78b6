using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>One head of one row of <see cref="SelfAttention"/>, and what both ways to compute it share.</summary>
internal readonly unsafe ref struct AttentionHead
{
    /// <summary>Scores of a head that are computed at once, and the queries whose scores are however long the keys.</summary>
    private const int ScoresAtOnce = 16384, LeastRows = 16;

    private readonly ReadOnlySpan<bool> _visible;

    /// <summary>[Length, Size] each, rows <see cref="Width"/> apart.</summary>
    public required float* Queries { get; init; }

    public required float* Keys { get; init; }

    public required float* Values { get; init; }

    /// <summary>Receives the result of what is no padding, likewise.</summary>
    public required float* Output { get; init; }

    /// <summary>What each token's query, key and value still lack as a factor, [Length]; null: nothing.</summary>
    public required float* Scales { get; init; }

    /// <summary>Added to scores: [Length, Length].</summary>
    public required float* Bias { get; init; }

    /// <summary>Which tokens are no padding: [Length].</summary>
    public required ReadOnlySpan<bool> Visible
    {
        get => _visible;
        init
        {
            _visible = value;

            // Padding stands at the end; where it stands elsewhere, its keys are hidden one by one.
            Count = value.LastIndexOf(true) + 1;
            HidesKeys = value[..Count].Contains(false);
        }
    }

    public required int Width { get; init; }

    public required int Size { get; init; }

    /// <summary>How far after this head's rows those of the next lie; 0: there is none.</summary>
    public required long Next { get; init; }

    /// <summary>Tokens, without padding at the end: those that are queries, and keys.</summary>
    public int Count { get; private init; }

    /// <summary>Scores of one query, those that fill a vector counted.</summary>
    public int Stride => (Count + 15) & ~15;

    /// <summary>Queries whose scores are computed at once.</summary>
    public int QueriesAtOnce => Math.Min(Count, Math.Max(LeastRows, ScoresAtOnce / Math.Max(Stride, 1) & ~3));

    private bool HidesKeys { get; init; }

    /// <summary>What each key's scores lack as a factor; 0 for what is no key.</summary>
    /// <param name="scales">Receives them, [<see cref="Stride"/>].</param>
    public void CopyScales(float* scales)
    {
        for (var j = 0; j < Stride; j++) scales[j] = j >= Count || !Visible[j] ? 0 : Scales == null ? 1 : Scales[j];
    }

    /// <summary>
    /// Asks the processor for a token's rows of the next head, which are far apart in memory, while this one is computed.
    /// </summary>
    /// <param name="token">The token.</param>
    public void FetchNext(int token)
    {
        if (Next == 0 || !Sse.IsSupported) return;
        var at = (long)token * Width + Next;
        for (var i = 0; i < Size; i += 16)
        {
            Sse.Prefetch1(Queries + at + i);
            Sse.Prefetch1(Keys + at + i);
            Sse.Prefetch1(Values + at + i);
        }
    }

    /// <summary>Puts back what a query's scores lack, and gives the largest.</summary>
    /// <param name="line">Its scores, [<see cref="Stride"/>].</param>
    /// <param name="query">The query.</param>
    /// <param name="scales">What each key's lack.</param>
    /// <param name="scale">What the query's lack.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Complete(float* line, int query, float* scales, float scale)
    {
        var bias = Bias + (long)query * Visible.Length;
        var factor = Vector512.Create(scale);
        var tops = Vector512.Create(float.NegativeInfinity);
        var j = 0;
        for (; j + 16 <= Count; j += 16)
        {
            var score = Vector512.FusedMultiplyAdd(
                Vector512.Load(line + j) * Vector512.Load(scales + j), factor, Vector512.Load(bias + j));
            score.Store(line + j);
            tops = Vector512.MaxNative(tops, score);
        }

        var top = Lanes.Largest(tops);
        for (; j < Count; j++)
        {
            line[j] = MathF.FusedMultiplyAdd(line[j] * scales[j], scale, bias[j]);
            top = Math.Max(top, line[j]);
        }

        for (; j < Stride; j++) line[j] = float.NegativeInfinity;
        return HidesKeys ? Hide(line) : top;
    }

    /// <summary>Takes keys out, and gives the largest score of the others.</summary>
    private float Hide(float* line)
    {
        var top = float.NegativeInfinity;
        for (var j = 0; j < Count; j++)
        {
            if (!Visible[j]) line[j] = float.NegativeInfinity;
            top = Math.Max(top, line[j]);
        }

        return top;
    }
}
