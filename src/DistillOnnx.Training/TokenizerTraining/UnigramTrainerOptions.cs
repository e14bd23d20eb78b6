using DistillOnnx.Stages.Options;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>How <see cref="UnigramTrainer"/> makes a vocabulary.</summary>
internal sealed record UnigramTrainerOptions : IStageOptions
{
    /// <summary>Most pieces, the three special ones included; sentinels come on top. A small text may give fewer.</summary>
    [Option("most pieces, special ones included; a small text may give fewer")]
    public int VocabularySize { get; init; } = 2000;

    /// <summary>Part of all characters that must be covered by pieces, 0 to 1; the rarest beyond it become unknown.</summary>
    [Option("part of all characters that pieces must cover; the rarest beyond it become unknown")]
    public double CharacterCoverage { get; init; } = 1.0;

    /// <summary>Longest piece in characters.</summary>
    [Option("longest piece in characters")]
    public int MaxPieceLength { get; init; } = 16;

    /// <summary>Whether every digit is a piece of its own.</summary>
    [Option("make every digit a piece of its own")]
    public bool SplitDigits { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (VocabularySize is < 8 or > 1_000_000) faults.Add($"vocabulary size must be 8 to 1000000, found {VocabularySize}");
        if (!(CharacterCoverage is > 0 and <= 1))
            faults.Add($"character coverage must be above 0 and at most 1, found {CharacterCoverage}");
        if (MaxPieceLength is < 1 or > 64) faults.Add($"longest piece must be 1 to 64 characters, found {MaxPieceLength}");
        return faults;
    }
}
