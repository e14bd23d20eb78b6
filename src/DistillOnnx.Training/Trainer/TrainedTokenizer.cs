using DistillOnnx.Core;
using DistillOnnx.Core.Reporting;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.Training.Trainer;

/// <summary>A tokenizer made of the training text, for a student that begins from nothing.</summary>
internal static class TrainedTokenizer
{
    /// <summary>Trains one.</summary>
    /// <param name="texts">The text.</param>
    /// <param name="vocabularySize">Pieces, the special ones included and the sentinels not.</param>
    /// <param name="reporter">Hears about it.</param>
    public static T5Tokenizer Train(IEnumerable<string> texts, int vocabularySize, IReporter reporter) =>
        throw new InputException("--tokenizer is missing: a student from scratch needs a directory with spiece.model");
}
