using DistillOnnx.Core.Labels;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Core.Tokenization;

/// <summary>
/// The one place that turns a task's texts into a model's ids, so that training, export and inference cannot differ:
/// prefixes, the separator between segments, the longest input.
/// </summary>
/// <param name="tokenizer">The checkpoint's tokenizer.</param>
/// <param name="task">The checkpoint's task.</param>
public sealed class InputEncoder(T5Tokenizer tokenizer, TaskSpec task)
{
    /// <summary>The tokenizer.</summary>
    public T5Tokenizer Tokenizer { get; } = tokenizer;

    /// <summary>The task.</summary>
    public TaskSpec Task { get; } = task;

    /// <summary>Ids of the input whose label is asked for, end token last.</summary>
    /// <param name="text">The input, without prefix.</param>
    /// <param name="truncated">Whether it was cut to <see cref="TaskSpec.MaxInputTokens"/>.</param>
    public int[] EncodeInput(string text, out bool truncated) => Encode(Task.PredictPrefix, text, out truncated);

    /// <summary>Ids of the input whose rationale is asked for, end token last.</summary>
    /// <param name="text">The input, without prefix.</param>
    /// <param name="truncated">Whether it was cut to <see cref="TaskSpec.MaxInputTokens"/>.</param>
    public int[] EncodeExplainInput(string text, out bool truncated) => Encode(Task.ExplainPrefix, text, out truncated);

    /// <summary>Ids of a label as the decoder gives it, end token last.</summary>
    /// <param name="label">The label.</param>
    public int[] EncodeLabel(string label) => Tokenizer.Encode(label);

    /// <summary>Ids of a target, end token last and kept.</summary>
    /// <param name="text">A label or a rationale.</param>
    /// <param name="maxTokens">Most ids, end token included.</param>
    /// <param name="truncated">Whether it was cut.</param>
    public int[] EncodeTarget(string text, int maxTokens, out bool truncated) => Tokenizer.Encode(text, maxTokens, out truncated);

    /// <summary>The trie of a closed set, whose paths are the labels' ids.</summary>
    /// <param name="labels">The set in a fixed order.</param>
    /// <exception cref="InputException">Labels cannot be told apart by their ids, or there are fewer than two.</exception>
    public LabelTrie BuildTrie(IReadOnlyList<string> labels) => LabelTrie.Build([.. labels.Select(EncodeLabel)], labels);

    /// <summary>The trie of a row's own choices, which are refused before it is built where they are too long.</summary>
    /// <param name="choices">The choices in a fixed order.</param>
    /// <param name="maxTokens">Most ids of all of them together, end tokens included.</param>
    /// <exception cref="InputException">They have more ids, cannot be told apart by these, or are fewer than two.</exception>
    public LabelTrie BuildTrieWithin(IReadOnlyList<string> choices, int maxTokens)
    {
        var ids = new int[choices.Count][];
        var left = maxTokens;
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = EncodeLabel(choices[i]);
            if (ids[i].Length > left) throw new InputException($"choices: expected at most {maxTokens} tokens together, found more");
            left -= ids[i].Length;
        }

        return LabelTrie.Build(ids, choices);
    }

    private int[] Encode(string prefix, string text, out bool truncated) =>
        Tokenizer.Encode(prefix + text, Task.SegmentSeparator, Task.MaxInputTokens ?? int.MaxValue, out truncated);
}
