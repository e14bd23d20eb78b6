using System.Text.RegularExpressions;

namespace DistillOnnx.Cli.Tests;

/// <summary>Holds README, CONTRIBUTING and the projects' pages: length, links, paths, and C# that compiles.</summary>
public sealed partial class PageTests
{
    public static TheoryData<string> Pages { get; } =
        [.. new[] { "README.md", "CONTRIBUTING.md" }.Concat(
            Directory.GetFiles(Path.Combine(Repository.Root, "src"), "README.md", SearchOption.AllDirectories)
                .Where(p => !p.Contains("/bin/", StringComparison.Ordinal) && !p.Contains("/obj/", StringComparison.Ordinal))
                .Select(p => Path.GetRelativePath(Repository.Root, p)).Order(StringComparer.Ordinal))];

    [Fact]
    public void Readme_Length_IsAtMost200Lines() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Repository.Root, "README.md")).Length, 50, 200);

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_LinksAndPaths_Exist(string page)
    {
        var text = Fence().Replace(File.ReadAllText(Path.Combine(Repository.Root, page)), "");
        var directory = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        var links = Link().Matches(text).Select(m => m.Groups["to"].Value.Split('#')[0])
            .Where(l => l.Length > 0 && !l.Contains("://", StringComparison.Ordinal)).Select(l => Path.Combine(directory, l));
        var paths = SourcePath().Matches(text).Select(m => Path.Combine(Repository.Root, m.Groups["path"].Value));

        Assert.All(links.Concat(paths), path => Assert.True(File.Exists(path) || Directory.Exists(path), $"{page} names {path}"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_CSharp_IsCompiled(string page)
    {
        var compiled = File.ReadAllLines(Path.Combine(
            Repository.Root, "tests", "DistillOnnx.Cli.Tests", "PageSnippets.cs")).Select(l => l.Trim()).ToHashSet();
        var lines = CSharp().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)))
            .SelectMany(m => m.Groups["code"].Value.Split('\n')).Select(l => l.Trim()).Where(l => l.Length > 0);

        Assert.All(lines, line => Assert.Contains(line, compiled));
    }

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"\]\((?<to>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`(?<path>(?:src|tests|scripts|protos)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex SourcePath();
}
