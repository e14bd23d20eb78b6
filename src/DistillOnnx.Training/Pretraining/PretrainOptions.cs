using DistillOnnx.Stages.Options;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Pretraining;

/// <summary>What text to learn to read, and how.</summary>
public sealed record PretrainOptions : RunOptions
{
    /// <summary>Pieces of a tokenizer that is trained where no number is given.</summary>
    public const int DefaultVocabularySize = 8000;

    /// <summary>Text files, one passage a line; <c>.gz</c> is unpacked.</summary>
    [Option("text files, one passage a line, plain or .gz", Value = "FILE", Required = true)]
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>A directory with <c>spiece.model</c>; null: the student checkpoint's, or one trained on the text.</summary>
    [Option("directory with spiece.model (default: the student checkpoint's; for a preset one is trained on the text)", Value = "DIR")]
    public string? Tokenizer { get; init; }

    /// <summary>Pieces of a tokenizer that is trained; null: <see cref="DefaultVocabularySize"/>.</summary>
    [Option("pieces of the tokenizer that is trained where a preset is given none (default: 8000)", Value = "PIECES")]
    public int? VocabularySize { get; init; }

    /// <summary>Lines of text that a tokenizer is trained on.</summary>
    [Option("most lines of text that such a tokenizer is trained on", Value = "LINES")]
    public int TokenizerLines { get; init; } = 100_000;

    /// <summary>Optimizer steps.</summary>
    [Option("optimizer steps", Value = "STEPS")]
    public int MaxSteps { get; init; } = 2000;

    /// <summary>Lines of a step.</summary>
    [Option("lines of a step", Value = "LINES")]
    public int BatchSize { get; init; } = 64;

    /// <summary>Longest sequence in tokens.</summary>
    [Option("longest sequence in tokens before spans are taken out; longer lines are cut into several", Value = "TOKENS")]
    public int MaxInputTokens { get; init; } = 256;

    /// <summary>Lines that follow each other and are read as one.</summary>
    [Option(
        "lines that follow each other and are read as one, up to the next blank line: teaches a student to read across sentences; the "
        + "options that count lines count these",
        Value = "LINES")]
    public int Join { get; init; } = 1;

    /// <summary>Share of tokens that is taken out.</summary>
    [Option("share of tokens taken out", Value = "SHARE")]
    public double Corruption { get; init; } = 0.15;

    /// <summary>Mean length of a span in tokens.</summary>
    [Option("mean length of a span that is taken out, in tokens", Value = "TOKENS")]
    public double MeanSpan { get; init; } = 3;

    /// <summary>Lines in memory, from which sequences are drawn in random order.</summary>
    [Option(
        "lines held in memory, from which sequences are drawn in random order; where parts of the text differ, take more than the "
        + "largest has",
        Value = "LINES")]
    public int ShuffleLines { get; init; } = 1_000_000;

    /// <summary>Share of activations dropped.</summary>
    [Option("share of activations dropped", Value = "SHARE")]
    public double Dropout { get; init; }

    /// <summary>Steps between evaluations; null: ten in all.</summary>
    [Option("steps between evaluations on held-out lines (default: ten in all)", Value = "STEPS")]
    public int? EvaluateEvery { get; init; }

    /// <summary>Lines held out.</summary>
    [Option("lines that are held out to evaluate on, spread evenly over the text", Value = "LINES")]
    public int HoldoutLines { get; init; } = 500;

    /// <summary>Decides initial weights, order of the text and the spans.</summary>
    [Option("decides initial weights, order of the text and the spans")]
    public long Seed { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Validate()
    {
        var faults = RunFaults();
        void AtLeast(string name, double? value, double low) => RequireAtLeast(faults, name, value, low);

        if (Text.Count == 0) faults.Add("--text is missing");
        AtLeast("vocabulary-size", VocabularySize, TrainOptions.LeastVocabularySize);
        AtLeast("tokenizer-lines", TokenizerLines, 1);
        AtLeast("max-steps", MaxSteps, 1);
        AtLeast("batch-size", BatchSize, 1);
        AtLeast("max-input-tokens", MaxInputTokens, 8);
        AtLeast("join", Join, 1);
        if (!(Corruption is > 0 and < 1)) faults.Add($"--corruption: expected a share above 0 and below 1, found {Corruption}");
        AtLeast("mean-span", MeanSpan, 1);
        AtLeast("shuffle-lines", ShuffleLines, 1);
        if (!(Dropout is >= 0 and < 1)) faults.Add($"--dropout: expected a share from 0 and below 1, found {Dropout}");
        AtLeast("evaluate-every", EvaluateEvery, 1);
        AtLeast("holdout-lines", HoldoutLines, 0);
        return faults;
    }
}
