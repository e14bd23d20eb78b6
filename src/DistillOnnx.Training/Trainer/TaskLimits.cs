using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.Trainer;

/// <summary>Decides between the limits that a dataset's <c>task.json</c> states and those that the options give.</summary>
internal static class TaskLimits
{
    /// <summary>The task with the longest input that training uses: the option's, else the dataset's, else the default.</summary>
    /// <param name="task">The dataset's task.</param>
    /// <param name="options">The options; null there means "as the dataset says".</param>
    /// <param name="reporter">Receives a warning where the two differ.</param>
    public static TaskSpec WithInputLimit(TaskSpec task, TrainOptions options, IReporter reporter)
    {
        WarnIfReplaced("max_input_tokens", task.MaxInputTokens, "--max-input-tokens", options.MaxInputTokens, options, reporter);
        return task with { MaxInputTokens = options.MaxInputTokens ?? task.MaxInputTokens ?? TaskSpec.DefaultMaxInputTokens };
    }

    /// <summary>The task with the longest label that decoding gives: the option's, else the dataset's, else the training rows'.</summary>
    /// <param name="task">The dataset's task.</param>
    /// <param name="options">The options; null there means "as the dataset says".</param>
    /// <param name="longest">Tokens of the longest label of the training rows.</param>
    /// <param name="reporter">Receives a warning where the two differ, and where labels are longer than the limit.</param>
    public static TaskSpec WithLabelLimit(TaskSpec task, TrainOptions options, int longest, IReporter reporter)
    {
        WarnIfReplaced("max_label_tokens", task.MaxLabelTokens, "--max-label-tokens", options.MaxLabelTokens, options, reporter);
        var limit = options.MaxLabelTokens ?? task.MaxLabelTokens ?? Math.Max(1, longest);
        if (longest > limit)
        {
            var origin = options.MaxLabelTokens is null ? $"{options.Data}: {TaskSpec.FileName} says max_label_tokens"
                : "--max-label-tokens";
            reporter.Warn(
                $"{origin} {limit}, but the longest label of the training rows has {longest} tokens and cannot be predicted whole");
        }

        return task with { MaxLabelTokens = limit };
    }

    private static void WarnIfReplaced(string key, int? stated, string option, int? given, TrainOptions options, IReporter reporter)
    {
        if (stated is { } dataset && given is { } used && dataset != used)
            reporter.Warn($"{options.Data}: {TaskSpec.FileName} says {key} {dataset}; {option} {used} is used instead");
    }
}
