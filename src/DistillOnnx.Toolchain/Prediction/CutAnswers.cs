using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime.Generation;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>What is said where answers of an open task were cut.</summary>
internal static class CutAnswers
{
    /// <summary>One line.</summary>
    public static string Of(long cut, long rows, TaskSpec task) => task.MaxLabelTokens is { } most
        ? $"{cut} of {rows} answers are cut at {most} tokens, max_label_tokens of the model's task"
        : $"{cut} of {rows} answers are cut at {new GenerationOptions().MaxNewTokens} tokens; the model's task has no max_label_tokens";
}
