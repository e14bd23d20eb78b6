namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>A token that was added to a vocabulary and is found in text before the model segments the rest.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The text that it stands for.</param>
internal sealed record AddedToken(int Id, string Content)
{
    /// <summary>Whether decoding leaves it out.</summary>
    public bool Special { get; init; }

    /// <summary>Whether it takes the whitespace before it.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Whether it takes the whitespace behind it.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Whether it is found only where no letter, digit or underscore touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Whether it is looked for in the normalised text instead of the text as it is.</summary>
    public bool Normalized { get; init; }
}
