namespace DistillOnnx.Core.T5;

/// <summary>The non-linearity of a T5 feed-forward layer.</summary>
public enum T5Activation
{
    /// <summary>max(x, 0): T5 v1.0.</summary>
    Relu,

    /// <summary>The tanh approximation of GELU, which the reference calls <c>gelu_new</c>: T5 v1.1, flan, mT5.</summary>
    GeluNew,

    /// <summary>x · Φ(x) with the exact error function.</summary>
    Gelu,

    /// <summary>x · sigmoid(x), also called swish.</summary>
    Silu,
}
