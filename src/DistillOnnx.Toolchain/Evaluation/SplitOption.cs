using DistillOnnx.Data;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>The value of <c>--split</c>.</summary>
internal static class SplitOption
{
    /// <summary>What is wrong with a value, or null.</summary>
    /// <param name="split">What the user gave.</param>
    public static string? Fault(string split) => SplitNames.All.Contains(split, StringComparer.Ordinal)
        ? null
        : $"--split: expected one of {string.Join(", ", SplitNames.All)}, found \"{split}\"{NearestName.Suggest(split, SplitNames.All)}";
}
