namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>What a piece of a SentencePiece model stands for, numbered as in the file.</summary>
internal enum PieceType
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>Whatever no piece covers; exactly one in a model.</summary>
    Unknown = 2,

    /// <summary>A mark such as <c>&lt;/s&gt;</c> that no text gives and that decodes to nothing.</summary>
    Control = 3,

    /// <summary>Text that is never split.</summary>
    UserDefined = 4,

    /// <summary>Text that is left out of segmentation.</summary>
    Unused = 5,

    /// <summary>One byte, of those that spell out unknown characters.</summary>
    Byte = 6,
}
