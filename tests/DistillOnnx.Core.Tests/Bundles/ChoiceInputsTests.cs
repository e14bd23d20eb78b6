using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;

namespace DistillOnnx.Core.Tests.Bundles;

public sealed class ChoiceInputsTests
{
    [Fact]
    public void Create_MostPositions_AreTakenAndOneMoreIsRefused()
    {
        Assert.Equal(ChoiceInputs.MaxPositions, ChoiceInputs.Create([Plan(ChoiceInputs.MaxPositions)]).Positions);

        var fault = Assert.Throws<InputException>(() => ChoiceInputs.Create([Plan(2), Plan(ChoiceInputs.MaxPositions + 1)]));

        Assert.Equal("choices: expected at most 1024 tokens of beginnings that they share, found 1025", fault.Message);
    }

    [Fact]
    public void Create_MoreCellsThanAnArrayHolds_IsRefused()
    {
        var plan = Plan(ChoiceInputs.MaxPositions);

        var fault = Assert.Throws<InputException>(() => ChoiceInputs.Create([.. Enumerable.Repeat(plan, 2049)]));

        Assert.StartsWith("choices: too many for one run of 2049 rows", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MaxPositions_DozensOfLongChoices_FitWhateverTheyShare()
    {
        // Pairs share the most: each all but the last token and the end.
        int[][] choices = [.. Enumerable.Range(0, 64).Select(i => (int[])[.. Enumerable.Repeat(10 + (i / 2), 30), 2 + (i % 2), 1])];

        Assert.Equal((32 * 30) + 1, Trie(choices).Positions);
        Assert.NotNull(ChoiceInputs.Create([LabelPlan.Create(Trie(choices), startToken: 0)]));
    }

    /// <summary>Two choices that part after so many positions, the start token among them.</summary>
    private static LabelPlan Plan(int positions)
    {
        var same = Enumerable.Repeat(5, positions - 1).ToList();
        return LabelPlan.Create(Trie([.. same, 6, 1], [.. same, 7, 1]), startToken: 0);
    }

    private static LabelTrie Trie(params int[][] choices) => LabelTrie.Build(choices, [.. choices.Select((_, i) => $"choice {i}")]);
}
