using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.TokenizerTraining;

namespace DistillOnnx.Training.Trainer;

/// <summary>A tokenizer made of the training text, for a student that begins from nothing.</summary>
public static class TrainedTokenizer
{
    /// <summary>Trains one.</summary>
    /// <param name="texts">The text.</param>
    /// <param name="vocabularySize">Most pieces, the special ones included and the sentinels not.</param>
    /// <param name="reporter">Receives a message about it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InputException">The text has more characters than the vocabulary has room for.</exception>
    public static T5Tokenizer Train(IEnumerable<string> texts, int vocabularySize, IReporter reporter, CancellationToken cancellationToken)
    {
        var model = UnigramTrainer.Train(texts, new UnigramTrainerOptions { VocabularySize = vocabularySize }, reporter, cancellationToken);
        var tokenizer = T5Tokenizer.FromModel(model);
        reporter.Info($"tokenizer: {tokenizer.VocabularySize - tokenizer.ExtraIds} pieces, trained on the training text");
        return tokenizer;
    }

    /// <summary>What a student of a task reads and writes.</summary>
    /// <param name="task">Gives prefixes, labels and the separator, which is no text.</param>
    /// <param name="examples">The training rows.</param>
    /// <param name="rationales">Whether rationales are written.</param>
    public static IEnumerable<string> Texts(TaskSpec task, IReadOnlyList<Example> examples, bool rationales)
    {
        yield return task.PredictPrefix;
        yield return task.ExplainPrefix;
        foreach (var label in task.Labels ?? []) yield return label;
        foreach (var example in examples)
        {
            yield return task.SegmentSeparator is { } separator
                ? example.Input.Replace(separator, " ", StringComparison.Ordinal)
                : example.Input;
            if (example.Label is not null) yield return example.Label;
            if (example.TeacherLabel is not null) yield return example.TeacherLabel;
            if (rationales && example.Rationale is not null) yield return example.Rationale;
        }
    }
}
