namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>How a segment of a text is normalised.</summary>
[Flags]
internal enum SegmentForm
{
    /// <summary>As it stands, but for its spaces.</summary>
    None = 0,

    /// <summary>The replacement rules are applied; without it they already were.</summary>
    Rules = 1,

    /// <summary>A space is put in front; without it only one that is there is kept.</summary>
    Prefix = 2,

    /// <summary>Spaces at the end are dropped.</summary>
    TrimEnd = 4,

    /// <summary>A whole text.</summary>
    Text = Rules | Prefix | TrimEnd,
}
