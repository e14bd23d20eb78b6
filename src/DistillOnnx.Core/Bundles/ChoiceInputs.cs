using DistillOnnx.Core.Labels;

namespace DistillOnnx.Core.Bundles;

/// <summary>
/// The inputs by which a <c>label_model.onnx</c> of kind <c>choices</c> learns each row's tries, besides
/// <c>input_ids</c> and <c>attention_mask</c>. Rows are padded to the largest of the batch; what is padded does not
/// change what is not. B rows, P positions, Q branchings, C children, L labels, D steps:
/// <list type="table">
/// <item><term><c>trie_tokens</c> int64 [B, P]</term><description>what the decoder reads at each position</description></item>
/// <item><term><c>trie_depths</c> int64 [B, P]</term><description>the position's place in its own sequence, from 0</description></item>
/// <item><term><c>trie_visible</c> bool [B, P, P]</term><description>whether position p sees position k: itself and its ancestors; a
/// padded one sees itself</description></item>
/// <item><term><c>branch_positions</c> int64 [B, Q]</term><description>the positions at which labels part; padded with
/// 0</description></item>
/// <item><term><c>branch_tokens</c> int64 [B, Q, C]</term><description>the tokens that may follow there; padded with
/// −1</description></item>
/// <item><term><c>label_steps</c> int64 [B, L, D]</term><description>for each label, q·C + c for each step of its path; padded with −1. A
/// label of padding alone gets −1e9</description></item>
/// </list>
/// The output <c>label_log_probs</c> is float [B, L].
/// </summary>
public sealed class ChoiceInputs
{
    /// <summary>
    /// Most positions of a row. The graph's memory grows with their square: with so many it takes about as much as for a text of as many
    /// tokens. 64 choices of 32 tokens have fewer, whatever they have in common.
    /// </summary>
    public const int MaxPositions = 1024;

    private ChoiceInputs(int rows, int positions, int branchings, int children, int labels, int steps)
    {
        (Rows, Positions, Branchings, Children, Labels, Steps) = (rows, positions, branchings, children, labels, steps);
        TrieTokens = new long[Size(rows, positions)];
        TrieDepths = new long[Size(rows, positions)];
        TrieVisible = new bool[Size(rows, positions, positions)];
        BranchPositions = new long[Size(rows, branchings)];
        BranchTokens = Filled(Size(rows, branchings, children));
        LabelSteps = Filled(Size(rows, labels, steps));
    }

    /// <summary>B.</summary>
    public int Rows { get; }

    /// <summary>P.</summary>
    public int Positions { get; }

    /// <summary>Q.</summary>
    public int Branchings { get; }

    /// <summary>C.</summary>
    public int Children { get; }

    /// <summary>L.</summary>
    public int Labels { get; }

    /// <summary>D.</summary>
    public int Steps { get; }

    /// <summary><c>trie_tokens</c> [B, P].</summary>
    public long[] TrieTokens { get; }

    /// <summary><c>trie_depths</c> [B, P].</summary>
    public long[] TrieDepths { get; }

    /// <summary><c>trie_visible</c> [B, P, P].</summary>
    public bool[] TrieVisible { get; }

    /// <summary><c>branch_positions</c> [B, Q].</summary>
    public long[] BranchPositions { get; }

    /// <summary><c>branch_tokens</c> [B, Q, C].</summary>
    public long[] BranchTokens { get; }

    /// <summary><c>label_steps</c> [B, L, D].</summary>
    public long[] LabelSteps { get; }

    /// <summary>Lays out the tries of a batch.</summary>
    /// <param name="plans">One plan a row.</param>
    /// <exception cref="InputException">A row has more than <see cref="MaxPositions"/>, or there are too many rows for one run.</exception>
    public static ChoiceInputs Create(IReadOnlyList<LabelPlan> plans)
    {
        foreach (var plan in plans) RequirePositions(plan.Tokens.Count);
        var inputs = new ChoiceInputs(
            plans.Count,
            plans.Max(p => p.Tokens.Count),
            plans.Max(p => p.Branchings.Count),
            plans.Max(p => p.Children.Max(c => c.Count)),
            plans.Max(p => p.Paths.Count),
            plans.Max(p => p.Paths.Max(s => s.Count)));
        for (var row = 0; row < plans.Count; row++) inputs.Fill(row, plans[row]);
        return inputs;
    }

    /// <summary>Refuses a row with more than <see cref="MaxPositions"/>.</summary>
    /// <param name="positions">Its positions.</param>
    /// <exception cref="InputException">There are more.</exception>
    internal static void RequirePositions(int positions)
    {
        if (positions > MaxPositions)
            throw new InputException($"choices: expected at most {MaxPositions} tokens of beginnings that they share, found {positions}");
    }

    private static int Size(params ReadOnlySpan<int> lengths)
    {
        var size = 1L;
        foreach (var length in lengths)
        {
            size *= length;
            if (size > Array.MaxLength)
                throw new InputException($"choices: too many for one run of {lengths[0]} rows; expected fewer rows or fewer choices");
        }

        return (int)size;
    }

    private static long[] Filled(int length)
    {
        var values = new long[length];
        Array.Fill(values, -1);
        return values;
    }

    private void Fill(int row, LabelPlan plan)
    {
        for (var p = 0; p < Positions; p++)
        {
            var visible = TrieVisible.AsSpan(((row * Positions) + p) * Positions, Positions);
            visible[p] = true;
            if (p >= plan.Tokens.Count) continue;
            TrieTokens[(row * Positions) + p] = plan.Tokens[p];
            TrieDepths[(row * Positions) + p] = plan.Depths[p];
            for (var at = plan.Parents[p]; at >= 0; at = plan.Parents[at]) visible[at] = true;
        }

        for (var q = 0; q < plan.Branchings.Count; q++)
        {
            BranchPositions[(row * Branchings) + q] = plan.Branchings[q];
            for (var c = 0; c < plan.Children[q].Count; c++) BranchTokens[(((row * Branchings) + q) * Children) + c] = plan.Children[q][c];
        }

        for (var label = 0; label < plan.Paths.Count; label++)
        {
            for (var s = 0; s < plan.Paths[label].Count; s++)
            {
                var (branching, child) = plan.Paths[label][s];
                LabelSteps[(((row * Labels) + label) * Steps) + s] = (branching * Children) + child;
            }
        }
    }
}
