namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>Where a space is put in front of text that an added token cuts into segments.</summary>
internal enum PrefixScheme
{
    /// <summary>Before every segment.</summary>
    Always,

    /// <summary>Before the segment that begins the text.</summary>
    First,

    /// <summary>Nowhere.</summary>
    Never,
}
