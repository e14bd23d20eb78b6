using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Counts the rationales and the answers of an open task that a limit has cut, and says so at the end.</summary>
internal sealed class CutTexts
{
    private long _rationales;
    private long _answers;

    /// <summary>Counts a row.</summary>
    /// <param name="answer">Its answer.</param>
    /// <param name="rationale">Its rationale; null: none was asked for. An empty one is not cut.</param>
    public void Add(LabelPrediction answer, Rationale? rationale)
    {
        if (rationale is { IsCut: true, Text.Length: > 0 }) _rationales++;
        if (answer.AnswerTruncated) _answers++;
    }

    /// <summary>Warns where some were.</summary>
    /// <param name="reporter">Receives the warnings.</param>
    /// <param name="rows">How many rows there were.</param>
    /// <param name="task">The model's task.</param>
    /// <param name="settings">How rationales were written; null: none were.</param>
    public void Report(IReporter reporter, long rows, TaskSpec task, ExplainSettings? settings)
    {
        if (_rationales > 0)
            reporter.Warn($"{_rationales} of {rows} rationales are cut at {settings!.MaxTokens} tokens; --rationale-tokens takes more");
        if (_answers == 0) return;
        reporter.Warn(task.MaxLabelTokens is { } most
            ? $"{_answers} of {rows} answers are cut at {most} tokens, max_label_tokens of the model's task"
            : $"{_answers} of {rows} answers are cut at {new GenerationOptions().MaxNewTokens} tokens; the model's task has no "
                + "max_label_tokens");
    }
}
