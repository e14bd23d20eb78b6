using DistillOnnx.Core;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Pretraining;

namespace DistillOnnx.Training.Tests.Pretraining;

public sealed class TextLinesTests
{
    [Theory]
    [InlineData(0, 7)]
    [InlineData(5, 7)]
    [InlineData(5, 1000)]
    [InlineData(39, 3)]
    public void At_OneEpoch_GivesEveryLineOnceButForThoseHeldOut(int heldOut, int window)
    {
        using var directory = new TemporaryDirectory();
        var all = Write(directory, 41);
        using var lines = new TextLines([directory["text.txt"]], heldOut, window, seed: 3);

        string[] apart = [.. lines.HeldOut()];
        string[] first = [.. Enumerable.Range(0, (int)lines.Count).Select(i => lines.At(i))];
        string[] second = [.. Enumerable.Range((int)lines.Count, (int)lines.Count).Select(i => lines.At(i))];

        Assert.Equal(heldOut, apart.Length);
        Assert.Equal(all.Except(apart).Order(), first.Order());
        Assert.Equal(first.Order(), second.Order());
        if (window > 10) Assert.NotEqual(first, second);
    }

    [Fact]
    public void HeldOut_FileSortedBySource_TakesFromAllOfIt()
    {
        using var directory = new TemporaryDirectory();
        Write(directory, 100);
        using var lines = new TextLines([directory["text.txt"]], heldOut: 10, window: 20, seed: 3);

        Assert.Equal(
            ["line 0", "line 10", "line 20", "line 30", "line 40", "line 50", "line 60", "line 70", "line 80", "line 90"], lines.HeldOut());
    }

    [Fact]
    public void At_AnyPositionFirst_GivesTheSameLine()
    {
        using var directory = new TemporaryDirectory();
        Write(directory, 41);
        using var inOrder = new TextLines([directory["text.txt"]], 5, 7, seed: 3);
        string[] expected = [.. Enumerable.Range(0, 90).Select(i => inOrder.At(i))];

        foreach (var position in new[] { 80, 3, 36, 35, 0, 89 })
        {
            using var resumed = new TextLines([directory["text.txt"]], 5, 7, seed: 3);
            Assert.Equal(expected[position], resumed.At(position));
        }
    }

    [Fact]
    public void New_FewerLinesThanHeldOut_NamesTheFile()
    {
        using var directory = new TemporaryDirectory();
        Write(directory, 5);
        var fault = Assert.Throws<InputException>(() => new TextLines([directory["text.txt"]], 5, 7, seed: 3));
        Assert.Contains("text.txt: expected more than 5 lines of text, found 5", fault.Message);
    }

    [Fact]
    public void Read_LinesJoined_EndAPassageAtABlankLineAndAtTheEndOfAFile()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["a.txt"], "\na\nb\nc\nd\n\n \ne\n");
        File.WriteAllText(directory["b.txt"], "f\ng\nh");

        Assert.Equal(["a b c", "d", "e", "f g h"], TextLines.Read([directory["a.txt"], directory["b.txt"]], join: 3));
        Assert.Equal(["a", "b", "c", "d", "e", "f", "g", "h"], TextLines.Read([directory["a.txt"], directory["b.txt"]]));
    }

    private static string[] Write(TemporaryDirectory directory, int count)
    {
        string[] lines = [.. Enumerable.Range(0, count).Select(i => $"line {i}")];
        File.WriteAllText(directory["text.txt"], string.Join("\n\n", lines) + "\n");
        return lines;
    }
}
