namespace DistillOnnx.Toolchain.Tests.Annotation;

/// <summary>The weights of one layer; matrices are [inputs, outputs].</summary>
internal sealed record TinyDecoderBlock(
    float[] AttentionNorm,
    float[] Query,
    float[] Key,
    float[] Value,
    float[] Output,
    float[] FeedForwardNorm,
    float[] Gate,
    float[] Up,
    float[] Down);
