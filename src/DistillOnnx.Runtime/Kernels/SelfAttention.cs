using System.Runtime.CompilerServices;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// An encoder's self-attention: softmax(q·kᵀ + bias)·v, one head of one row at a time. Scores stay in the cache, and padding is not
/// computed: as a query its result is 0.
/// </summary>
internal sealed unsafe class SelfAttention
{
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
            for (var part = first; part < last; part++) Attend((int)(part / Heads), (int)(part % Heads));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Attend(int row, int head)
    {
        var at = (long)row * Length * Width + head * Size;
        var one = new AttentionHead
        {
            Queries = Queries + at,
            Keys = Keys + at,
            Values = Values + at,
            Output = Output + at,
            Scales = Scales == null ? null : Scales + (long)row * Length,
            Bias = Bias + (long)head * Length * Length,
            Visible = Visible.AsSpan(row * Length, Length),
            Width = Width,
            Size = Size,
            Next = head + 1 < Heads ? Size : row + 1 < Rows ? (long)Length * Width - head * Size : 0,
        };

        // What lacks a factor comes from products of eight bits, to which those of sixteen add nothing that could be seen.
        if (Scales != null && PairAttention.Supports(in one)) PairAttention.Attend(in one);
        else SingleAttention.Attend(in one);
        for (var i = 0; i < Length; i++)
        {
            if (!one.Visible[i]) new Span<float>(one.Output + (long)i * Width, Size).Clear();
        }
    }
}
