namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Looking tokens up, and sending their gradient back.</summary>
internal static unsafe class EmbeddingKernels
{
    /// <summary>output = dropout(table[ids]).</summary>
    /// <param name="table">[vocabulary, width].</param>
    /// <param name="ids">Tokens.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="output">[tokens, width].</param>
    /// <param name="width">Width.</param>
    /// <param name="dropout">The mask.</param>
    public static void Forward(float* table, int[] ids, int count, float* output, int width, Dropout dropout)
    {
        Workers.Range(count, (from, to) =>
        {
            for (var i = from; i < to; i++)
                new ReadOnlySpan<float>(table + (long)ids[i] * width, width).CopyTo(new Span<float>(output + i * width, width));
        });
        if (dropout.IsActive) ElementKernels.Drop(output, output, (long)count * width, dropout);
    }

    /// <summary>tableGradient[ids] += gradient. Threads share out the columns, so a token that comes twice is added up in order.</summary>
    public static void Backward(float* tableGradient, int[] ids, int count, float* gradient, int width) =>
        Workers.Range(width, (from, to) =>
    {
        for (var i = 0; i < count; i++)
        {
            var target = new Span<float>(tableGradient + (long)ids[i] * width + from, (int)(to - from));
            System.Numerics.Tensors.TensorPrimitives.Add(
                target, new ReadOnlySpan<float>(gradient + (long)i * width + from, (int)(to - from)), target);
        }
    }, 16);
}
