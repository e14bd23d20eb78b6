using System.Text.RegularExpressions;

namespace DistillOnnx.Cli.Tests;

/// <summary>No line of C# has more than 140 characters. The content of raw string literals is not counted.</summary>
public sealed partial class LineLengthTests
{
    private const int Limit = 140;

    // The folders that are checked. One entry "" checks the whole repository.
    private static readonly string[] Folders = ["src", "tests", "scripts"];

    [Fact]
    public void Source_Lines_HaveAtMost140Characters()
    {
        var offenders = (
            from folder in Folders
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            let name = Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')
            where !Generated().IsMatch(name)
            let lines = LongLines(File.ReadAllText(file))
            where lines.Count > 0
            orderby name
            select $"{name}: line {string.Join(", ", lines)}").ToList();
        Assert.True(offenders.Count == 0, $"lines of more than {Limit} characters:\n{string.Join('\n', offenders)}");
    }

    [Theory]
    [InlineData(140, 0, 0, 0)]
    [InlineData(141, 0, 0, 1)]
    [InlineData(100, 90, 0, 0)]
    [InlineData(141, 90, 0, 1)]
    [InlineData(10, 0, 300, 0)]
    [InlineData(141, 0, 300, 1)]
    public void LongLines_Code_IsCountedWithoutRawStrings(int code, int sameLine, int ownLines, int expected)
    {
        const string Quotes = "\"\"\"";
        var raw = sameLine > 0 ? Quotes + new string('r', sameLine) + Quotes : "";
        var text = new string('c', code - (sameLine > 0 ? 2 * Quotes.Length : 0)) + raw;
        if (ownLines > 0) text += $"\nx = {Quotes}\n{new string('r', ownLines)}\n    {Quotes};";
        Assert.Equal(expected, LongLines(text).Count);
    }

    // A raw string keeps its line breaks, so that the lines after it keep their numbers.
    private static List<int> LongLines(string source)
    {
        var code = RawString().Replace(source, m =>
            m.Groups["quotes"].Value + Content().Replace(m.Groups["content"].Value, "") + m.Groups["quotes"].Value);
        var lines = code.Split('\n');
        return [.. Enumerable.Range(0, lines.Length).Where(i => lines[i].TrimEnd('\r').Length > Limit).Select(i => i + 1)];
    }

    [GeneratedRegex("(?<quotes>\"{3,})(?<content>.*?[^\"])\\k<quotes>(?!\")", RegexOptions.Singleline)]
    private static partial Regex RawString();

    [GeneratedRegex("[^\n]")]
    private static partial Regex Content();

    // Build outputs and what other tools put into the tree.
    [GeneratedRegex(@"(^|/)(bin|obj|artifacts)/")]
    private static partial Regex Generated();
}
