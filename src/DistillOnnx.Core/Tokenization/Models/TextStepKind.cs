namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>Kinds of <see cref="TextStep"/>.</summary>
internal enum TextStepKind
{
    /// <summary>Replaces a text by another.</summary>
    Replace,

    /// <summary>Makes capital letters small.</summary>
    Lowercase,

    /// <summary>
    /// Makes every white space a space. WhitespaceSplit divides at all of them; where there are replacement rules, these have
    /// made them spaces before.
    /// </summary>
    Spaces,
}
