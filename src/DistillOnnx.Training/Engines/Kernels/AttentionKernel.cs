using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
        ForEachHead(queries, keys, (sequence, head, scratch) =>
        {
            var (m, n, stride) = (queries.Length(sequence), keys.Length(sequence), Padded(keys.Length(sequence)));
            Locate(inputs, queries, keys, sequence, head, out var q, out var k, out var v);
            float* transposed = scratch, scores = transposed + width * stride;
            SmallProduct.Transpose(k, inputs.KeyRow, transposed, stride, n, width);
            SmallProduct.Multiply(q, inputs.QueryRow, 1, transposed, stride, scores, stride, m, stride, width);
            var line = bias == null ? null : bias + head * (2 * reach - 1) + reach - 1;
            var mask = dropout.Part(sequence * heads + head);
            var sums = logSums + (long)head * queries.Total + queries.Offsets[sequence];
            for (var i = 0; i < m; i++)
            {
                var row = scores + i * stride;
                AddBias(row, line == null ? null : line - i, causal ? i + 1 : n, stride);
                sums[i] = Softmax(row, stride);
                if (mask.IsActive) Mask(row, row, stride, mask, (uint)(i * stride));
            }

            var target = output + (long)queries.Offsets[sequence] * heads * width + head * width;
            SmallProduct.Multiply(scores, stride, 1, v, inputs.KeyRow, target, heads * width, m, width, n);
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
        ForEachHead(queries, keys, (sequence, head, scratch) =>
        {
            var (m, n, stride) = (queries.Length(sequence), keys.Length(sequence), Padded(keys.Length(sequence)));
            Locate(inputs, queries, keys, sequence, head, out var q, out var k, out var v);
            Locate(gradients, queries, keys, sequence, head, out var dq, out var dk, out var dv);
            float* transposed = scratch, weights = transposed + width * stride, slopes = weights + m * stride;
            var output = gradient + (long)queries.Offsets[sequence] * heads * width + head * width;

            // The probabilities again.
            SmallProduct.Transpose(k, inputs.KeyRow, transposed, stride, n, width);
            SmallProduct.Multiply(q, inputs.QueryRow, 1, transposed, stride, weights, stride, m, stride, width);
            SmallProduct.Transpose(v, inputs.KeyRow, transposed, stride, n, width);
            SmallProduct.Multiply(output, heads * width, 1, transposed, stride, slopes, stride, m, stride, width);
            var line = bias == null ? null : bias + head * (2 * reach - 1) + reach - 1;
            var mask = dropout.Part(sequence * heads + head);
            var sums = logSums + (long)head * queries.Total + queries.Offsets[sequence];
            for (var i = 0; i < m; i++)
            {
                var p = weights + i * stride;
                var d = slopes + i * stride;
                AddBias(p, line == null ? null : line - i, causal ? i + 1 : n, stride);
                SlopesOfRow(p, d, stride, sums[i], mask, (uint)(i * stride));
            }

            SmallProduct.Multiply(weights, 1, stride, output, heads * width, dv, gradients.KeyRow, n, width, m);
            SmallProduct.Multiply(slopes, stride, 1, k, inputs.KeyRow, dq, gradients.QueryRow, m, width, n);
            SmallProduct.Multiply(slopes, 1, stride, q, inputs.QueryRow, dk, gradients.KeyRow, n, width, m);
        }, biasGradient == null ? (AfterBody?)null : (part, sequence, head, slopes, stride) =>
        {
            var own = partial[part] ??= new float[table];
            var (m, n) = (queries.Length(sequence), keys.Length(sequence));
            for (var i = 0; i < m; i++)
            {
                var target = own.AsSpan(head * (2 * reach - 1) + reach - 1 - i, n);
                System.Numerics.Tensors.TensorPrimitives.Add(target, new ReadOnlySpan<float>((float*)slopes + i * stride, n), target);
            }
        });
        foreach (var own in partial)
        {
            for (var i = 0; own is not null && i < table; i++) biasGradient[i] += own[i];
        }
    }

    private static int Padded(int length) => (length + 15) & ~15;

    private static void AddBias(float* row, float* bias, int visible, int stride)
    {
        var j = 0;
        if (bias != null)
        {
            for (; j + 16 <= visible; j += 16) (Vector512.Load(row + j) + Vector512.Load(bias + j)).Store(row + j);
            for (; j < visible; j++) row[j] += bias[j];
        }

        for (j = visible; j < stride; j++) row[j] = float.NegativeInfinity;
    }

    /// <summary>Turns scores into probabilities and returns the logarithm of their denominator.</summary>
    private static float Softmax(float* row, int stride)
    {
        var tops = Vector512.Load(row);
        for (var j = 16; j < stride; j += 16) tops = Vector512.Max(tops, Vector512.Load(row + j));
        var top = float.NegativeInfinity;
        for (var j = 0; j < 16; j++) top = Math.Max(top, tops[j]);
        var shift = Vector512.Create(top);
        var sums = Vector512<float>.Zero;
        for (var j = 0; j < stride; j += 16)
        {
            var e = Vector512.Exp(Vector512.Load(row + j) - shift);
            e.Store(row + j);
            sums += e;
        }

        var sum = Vector512.Sum(sums);
        var factor = Vector512.Create(1 / sum);
        for (var j = 0; j < stride; j += 16) (Vector512.Load(row + j) * factor).Store(row + j);
        return top + MathF.Log(sum);
    }

    private static void Mask(float* from, float* to, int stride, Dropout mask, uint index)
    {
        for (var j = 0; j < stride; j += 16) (Vector512.Load(from + j) * mask.Factors(index + (uint)j)).Store(to + j);
    }

    /// <summary>
    /// From scores s and the gradient d of the dropped probabilities p⊙f: p = exp(s − logSum); the scores become p⊙f, and d becomes the
    /// scores' gradient p⊙(f⊙d − Σ p⊙f⊙d).
    /// </summary>
    private static void SlopesOfRow(float* s, float* d, int stride, float logSum, Dropout mask, uint index)
    {
        var shift = Vector512.Create(logSum);
        var sums = Vector512<float>.Zero;
        for (var j = 0; j < stride; j += 16)
        {
            var p = Vector512.Exp(Vector512.Load(s + j) - shift);
            p.Store(s + j);
            var slope = Vector512.Load(d + j);
            if (mask.IsActive) slope *= mask.Factors(index + (uint)j);
            slope.Store(d + j);
            sums = Vector512.FusedMultiplyAdd(p, slope, sums);
        }

        var mean = Vector512.Create(Vector512.Sum(sums));
        for (var j = 0; j < stride; j += 16)
        {
            var p = Vector512.Load(s + j);
            (p * (Vector512.Load(d + j) - mean)).Store(d + j);
            if (mask.IsActive) (p * mask.Factors(index + (uint)j)).Store(s + j);
        }
    }

    private void Locate(Inputs inputs, Ragged queries, Ragged keys, int sequence, int head, out float* q, out float* k, out float* v)
    {
        q = (float*)inputs.Query + (long)queries.Offsets[sequence] * inputs.QueryRow + head * width;
        var at = (long)keys.Offsets[sequence] * inputs.KeyRow + head * width;
        k = (float*)inputs.Key + at;
        v = (float*)inputs.Value + at;
    }

    private void ForEachHead(Ragged queries, Ragged keys, HeadBody body, AfterBody? after = null)
    {
        // Stretches of equal work: products and softmax grow with queries times keys, the transposition with keys.
        var work = new long[queries.Count + 1];
        for (var s = 0; s < queries.Count; s++) work[s + 1] = work[s] + (queries.Length(s) + 4L) * (Padded(keys.Length(s)) + 8) * heads;
        var total = work[^1];
        var longest = Padded(keys.Longest);
        var bytes = (nuint)(longest * width + 2 * queries.Longest * longest) * sizeof(float);
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
                        body(sequence, head, scratch);
                        var stride = Padded(keys.Length(sequence));
                        after?.Invoke(part, sequence, head, (IntPtr)(scratch + width * stride + queries.Length(sequence) * stride), stride);
                    }
                }
            }
            finally
            {
                NativeMemory.AlignedFree(scratch);
            }
        });
    }

    private delegate void HeadBody(int sequence, int head, float* scratch);

    private delegate void AfterBody(int part, int sequence, int head, IntPtr slopes, int stride);
}
