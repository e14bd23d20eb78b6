using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistillOnnx.Core.Kernels;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>
/// Attention over ragged sequences, one head of one sequence at a time: bias, softmax and dropout happen while the scores are
/// in the cache, padding does not exist, and the way back computes the scores anew instead of having kept them.
/// </summary>
/// <param name="heads">Heads.</param>
/// <param name="width">d_kv.</param>
/// <param name="causal">Whether a query sees only itself and what is before it.</param>
internal sealed unsafe class AttentionKernel(int heads, int width, bool causal)
{
    /// <summary>Scores of a head that are computed at once, and the queries whose scores are however long the keys.</summary>
    private const int ScoresAtOnce = 16384, LeastRows = 16;

    /// <summary>Where queries, keys and values stand: [tokens, …] each, one head after another within a row.</summary>
    /// <param name="Query">First query.</param>
    /// <param name="QueryRow">Distance between queries.</param>
    /// <param name="Key">First key.</param>
    /// <param name="Value">First value.</param>
    /// <param name="KeyRow">Distance between keys, and between values.</param>
    public readonly record struct Inputs(IntPtr Query, int QueryRow, IntPtr Key, IntPtr Value, int KeyRow);

    /// <summary>Attends.</summary>
    /// <param name="queries">The queries' sequences.</param>
    /// <param name="keys">The keys' sequences; the n-th belongs to the queries' n-th.</param>
    /// <param name="inputs">Queries, keys and values.</param>
    /// <param name="bias">[heads, 2·reach − 1]: added where a key stands so far from a query, −(reach − 1) first; null: nothing is.</param>
    /// <param name="reach">Length that the bias covers.</param>
    /// <param name="output">[tokens, heads·d_kv].</param>
    /// <param name="logSums">[heads, tokens]: receives the logarithm of each softmax's denominator.</param>
    /// <param name="dropout">Mask of the probabilities.</param>
    public void Forward(Ragged queries, Ragged keys, Inputs inputs, float* bias, int reach, float* output, float* logSums, Dropout dropout)
    {
        ForEachHead(queries, keys, 1, (_, sequence, head, scratch) =>
        {
            var (m, n, stride) = (queries.Length(sequence), keys.Length(sequence), Padded(keys.Length(sequence)));
            Locate(inputs, queries, keys, sequence, head, out var q, out var k, out var v);
            var (next, nextHead) = NextHead(queries, sequence, head);
            Locate(inputs, queries, keys, next, nextHead, out var nextQ, out var nextK, out var nextV);
            float* transposed = scratch, scores = transposed + width * stride;
            SmallProduct.Transpose(k, inputs.KeyRow, transposed, stride, n, width);
            var line = bias == null ? null : bias + head * (2 * reach - 1) + reach - 1;
            var mask = dropout.Part(sequence * heads + head);
            var sums = logSums + (long)head * queries.Total + queries.Offsets[sequence];
            var target = output + (long)queries.Offsets[sequence] * heads * width + head * width;
            var most = RowsAtOnce(m, stride);
            for (var first = 0; first < m; first += most)
            {
                var count = Math.Min(most, m - first);
                SmallProduct.Multiply(
                    q + (long)first * inputs.QueryRow, inputs.QueryRow, 1, transposed, stride, scores, stride, count, stride, width);
                for (var i = first; i < first + count; i++)
                {
                    if (i < queries.Length(next)) Fetch(nextQ + (long)i * inputs.QueryRow);
                    FetchKeys(nextK, nextV, inputs.KeyRow, keys.Length(next), i, m);
                    var row = scores + (i - first) * stride;
                    var tops = AddBias(row, line == null ? null : line - i, causal ? i + 1 : n, stride);
                    sums[i] = Softmax(row, stride, tops, mask, (uint)(i * stride));
                }

                SmallProduct.Multiply(
                    scores, stride, 1, v, inputs.KeyRow, target + (long)first * heads * width, heads * width, count, width, n);
            }
        });
    }

    /// <summary>Sends the gradient back to queries, keys, values and bias.</summary>
    /// <param name="queries">As forward.</param>
    /// <param name="keys">As forward.</param>
    /// <param name="inputs">As forward.</param>
    /// <param name="bias">As forward.</param>
    /// <param name="reach">As forward.</param>
    /// <param name="logSums">From forward.</param>
    /// <param name="dropout">As forward.</param>
    /// <param name="gradient">Of the output: [tokens, heads·d_kv].</param>
    /// <param name="gradients">Receives the gradients of queries, keys and values, laid out as these are.</param>
    /// <param name="biasGradient">Added to, like <paramref name="bias"/>; null where that is.</param>
    public void Backward(
        Ragged queries, Ragged keys, Inputs inputs, float* bias, int reach, float* logSums, Dropout dropout, float* gradient,
        Inputs gradients, float* biasGradient)
    {
        var table = heads * (2 * reach - 1);
        var partial = new float[TorchSharp.torch.get_num_threads()][];
        var outputRow = heads * width;
        ForEachHead(queries, keys, 2, (part, sequence, head, scratch) =>
        {
            var (m, n, stride) = (queries.Length(sequence), keys.Length(sequence), Padded(keys.Length(sequence)));
            Locate(inputs, queries, keys, sequence, head, out var q, out var k, out var v);
            Locate(gradients, queries, keys, sequence, head, out var dq, out var dk, out var dv);
            var (next, nextHead) = NextHead(queries, sequence, head);
            Locate(inputs, queries, keys, next, nextHead, out var nextQ, out var nextK, out var nextV);
            Locate(gradients, queries, keys, next, nextHead, out var nextDq, out var nextDk, out var nextDv);
            var most = RowsAtOnce(m, stride);
            float* kT = scratch, vT = kT + width * stride, weights = vT + width * stride, slopes = weights + most * stride;
            SmallProduct.Transpose(k, inputs.KeyRow, kT, stride, n, width);
            SmallProduct.Transpose(v, inputs.KeyRow, vT, stride, n, width);
            var line = bias == null ? null : bias + head * (2 * reach - 1) + reach - 1;
            var own = biasGradient == null ? null : partial[part] ??= new float[table];
            var mask = dropout.Part(sequence * heads + head);
            var sums = logSums + (long)head * queries.Total + queries.Offsets[sequence];
            var output = gradient + (long)queries.Offsets[sequence] * outputRow + head * width;
            var nextOutput = gradient + (long)queries.Offsets[next] * outputRow + nextHead * width;
            for (var first = 0; first < m; first += most)
            {
                // The probabilities again.
                var count = Math.Min(most, m - first);
                float* rows = q + (long)first * inputs.QueryRow, outputs = output + (long)first * outputRow;
                SmallProduct.Multiply(rows, inputs.QueryRow, 1, kT, stride, weights, stride, count, stride, width);
                SmallProduct.Multiply(outputs, outputRow, 1, vT, stride, slopes, stride, count, stride, width);
                for (var i = first; i < first + count; i++)
                {
                    if (i < queries.Length(next))
                    {
                        Fetch(nextQ + (long)i * inputs.QueryRow);
                        Fetch(nextDq + (long)i * gradients.QueryRow);
                        Fetch(nextOutput + (long)i * outputRow);
                    }

                    FetchKeys(nextK, nextV, inputs.KeyRow, keys.Length(next), i, m);
                    FetchKeys(nextDk, nextDv, gradients.KeyRow, keys.Length(next), i, m);
                    float* p = weights + (i - first) * stride, d = slopes + (i - first) * stride;
                    AddBias(p, line == null ? null : line - i, causal ? i + 1 : n, stride);
                    SlopesOfRow(p, d, stride, sums[i], mask, (uint)(i * stride));
                    if (own is null) continue;
                    var target = own.AsSpan(head * (2 * reach - 1) + reach - 1 - i, n);
                    TensorPrimitives.Add(target, new ReadOnlySpan<float>(d, n), target);
                }

                var add = first > 0;
                SmallProduct.Multiply(weights, 1, stride, outputs, outputRow, dv, gradients.KeyRow, n, width, count, add);
                SmallProduct.Multiply(
                    slopes, stride, 1, k, inputs.KeyRow, dq + (long)first * gradients.QueryRow, gradients.QueryRow, count, width, n);
                SmallProduct.Multiply(slopes, 1, stride, rows, inputs.QueryRow, dk, gradients.KeyRow, n, width, count, add);
            }
        });
        foreach (var own in partial)
        {
            for (var i = 0; own is not null && i < table; i++) biasGradient[i] += own[i];
        }
    }

    private static int Padded(int length) => (length + 15) & ~15;

    /// <summary>Adds the bias and hides what is not visible; gives the largest of each 16th.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> AddBias(float* row, float* bias, int visible, int stride)
    {
        var tops = Vector512.Create(float.NegativeInfinity);
        var j = 0;
        for (; j + 16 <= visible; j += 16)
        {
            var score = Vector512.Load(row + j);
            if (bias != null) score += Vector512.Load(bias + j);
            score.Store(row + j);
            tops = Vector512.MaxNative(tops, score);
        }

        if (j == stride) return tops;
        for (var rest = j; bias != null && rest < visible; rest++) row[rest] += bias[rest];
        new Span<float>(row + visible, stride - visible).Fill(float.NegativeInfinity);
        return j < visible ? Vector512.MaxNative(tops, Vector512.Load(row + j)) : tops;
    }

    /// <summary>Turns scores into dropped probabilities and returns the logarithm of the softmax's denominator.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* row, int stride, Vector512<float> tops, Dropout mask, uint index)
    {
        var top = Lanes.Largest(tops);
        var sum = Exponential.Replace(row, top, stride);
        var factor = Vector512.Create(1 / sum);
        for (var j = 0; j < stride; j += 16)
        {
            var p = Vector512.Load(row + j) * factor;
            (mask.IsActive ? p * mask.Factors(index + (uint)j) : p).Store(row + j);
        }

        return top + MathF.Log(sum);
    }

    /// <summary>
    /// From scores s and the gradient d of the dropped probabilities p⊙f: p = exp(s − logSum); the scores become p⊙f, and d becomes the
    /// scores' gradient p⊙(f⊙d − Σ p⊙f⊙d).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SlopesOfRow(float* s, float* d, int stride, float logSum, Dropout mask, uint index)
    {
        var shift = Vector512.Create(logSum);
        var sums = Vector512<float>.Zero;
        var sign = Vector512.Create(-0f);
        for (var j = 0; j < stride; j += 16)
        {
            var p = Exponential.Of(Vector512.Load(s + j) - shift);
            var slope = Vector512.Load(d + j);
            if (mask.IsActive)
            {
                // A probability is not negative: its sign says in between that it is dropped.
                var factors = mask.Factors(index + (uint)j);
                slope *= factors;
                (p | (Vector512.Equals(factors, Vector512<float>.Zero) & sign)).Store(s + j);
            }
            else
            {
                p.Store(s + j);
            }

            slope.Store(d + j);
            sums = Vector512.FusedMultiplyAdd(p, slope, sums);
        }

        var mean = Vector512.Create(Vector512.Sum(sums));
        var scale = Vector512.Create(mask.Scale);
        for (var j = 0; j < stride; j += 16)
        {
            var signed = Vector512.Load(s + j);
            var p = Vector512.AndNot(signed, sign);
            (p * (Vector512.Load(d + j) - mean)).Store(d + j);
            if (mask.IsActive) (Vector512.MaxNative(Vector512<float>.Zero, signed) * scale).Store(s + j);
        }
    }

    /// <summary>How many queries are computed at once, so that their scores stay in the cache.</summary>
    private static int RowsAtOnce(int rows, int stride) => Math.Min(rows, Math.Max(LeastRows, ScoresAtOnce / stride & ~3));

    /// <summary>The head after one, in the same sequence or the next; the same at the end.</summary>
    private (int Sequence, int Head) NextHead(Ragged queries, int sequence, int head)
    {
        if (head + 1 < heads) return (sequence, head + 1);
        return sequence + 1 < queries.Count ? (sequence + 1, 0) : (sequence, head);
    }

    /// <summary>Fetches those keys and values of the next head whose turn it is with a row of this one.</summary>
    private void FetchKeys(float* k, float* v, int keyRow, int keys, int row, int rows)
    {
        var last = (int)((long)(row + 1) * keys / rows);
        for (var key = (int)((long)row * keys / rows); key < last; key++)
        {
            Fetch(k + (long)key * keyRow);
            Fetch(v + (long)key * keyRow);
        }
    }

    /// <summary>
    /// Asks the processor for a row of the next head while this one is computed: a head's rows are far apart, so that it does not foresee
    /// them.
    /// </summary>
    private void Fetch(float* row)
    {
        if (!Sse.IsSupported) return;
        for (var i = 0; i < width; i += 16) Sse.Prefetch1(row + i);
    }

    private void Locate(Inputs inputs, Ragged queries, Ragged keys, int sequence, int head, out float* q, out float* k, out float* v)
    {
        q = (float*)inputs.Query + (long)queries.Offsets[sequence] * inputs.QueryRow + head * width;
        var at = (long)keys.Offsets[sequence] * inputs.KeyRow + head * width;
        k = (float*)inputs.Key + at;
        v = (float*)inputs.Value + at;
    }

    /// <summary>Runs a body for each head of each sequence.</summary>
    /// <param name="queries">The queries' sequences.</param>
    /// <param name="keys">The keys' sequences.</param>
    /// <param name="matrices">How many transposed inputs, and how many matrices of scores, the body keeps in its memory.</param>
    /// <param name="body">The work.</param>
    private void ForEachHead(Ragged queries, Ragged keys, int matrices, HeadBody body)
    {
        // Stretches of equal work: products and softmax grow with queries times keys, the transposition with keys.
        var work = new long[queries.Count + 1];
        for (var s = 0; s < queries.Count; s++) work[s + 1] = work[s] + (queries.Length(s) + 4L) * (Padded(keys.Length(s)) + 8) * heads;
        var total = work[^1];
        var longest = Padded(keys.Longest);
        var bytes = (nuint)matrices * ((nuint)(longest * width) + (nuint)Math.Max(ScoresAtOnce, LeastRows * longest)) * sizeof(float);
        Workers.Run((part, parts) =>
        {
            long from = total * part / parts, to = total * (part + 1) / parts;
            float* scratch = null;
            try
            {
                for (var sequence = 0; sequence < queries.Count; sequence++)
                {
                    if (work[sequence + 1] <= from) continue;
                    if (work[sequence] >= to) break;
                    var share = (work[sequence + 1] - work[sequence]) / heads;
                    for (var head = 0; head < heads; head++)
                    {
                        // A head belongs to the part within whose range its work begins.
                        var begins = work[sequence] + head * share;
                        if (begins < from || begins >= to) continue;
                        if (scratch == null) scratch = (float*)NativeMemory.AlignedAlloc(bytes, 64);
                        body(part, sequence, head, scratch);
                    }
                }
            }
            finally
            {
                NativeMemory.AlignedFree(scratch);
            }
        });
    }

    private delegate void HeadBody(int part, int sequence, int head, float* scratch);
}
