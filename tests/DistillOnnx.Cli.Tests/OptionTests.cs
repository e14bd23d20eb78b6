using DistillOnnx.Cli.Verbs;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Cli.Tests;

/// <summary>Every verb's options: names that are unique, a page that is current, and documented examples that bind.</summary>
public sealed class OptionTests
{
    private static readonly string[] Pages = ["README.md", "scripts/annotate-job.yaml", .. ProjectPages()];

    public static TheoryData<string> Verbs => [.. VerbTable.Names];

    public static TheoryData<string> Examples =>
        [.. Pages.SelectMany(p => ShellExamples.Of(File.ReadAllText(Path.Combine(Repository.Root, p)))).Distinct(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Options_FlagsKeysAndVariables_AreUnique(string verb)
    {
        var type = VerbTable.All.Single(v => v.Name == verb).OptionsType();
        var own = new OptionBinder(type, verb).Options;
        var all = own.Concat(new OptionBinder(typeof(CliOptions), "").Options).ToList();

        Assert.Equal(
            all.Select(o => o.Flag).Distinct().Order(StringComparer.Ordinal), all.Select(o => o.Flag).Order(StringComparer.Ordinal));
        Assert.Equal(own.Select(o => o.Key).Distinct().Order(StringComparer.Ordinal), own.Select(o => o.Key).Order(StringComparer.Ordinal));
        var variables = own.SelectMany(o => o.EnvironmentVariables(verb)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(variables.Distinct(), variables);
    }

    [Fact]
    public void OptionsPage_IsWhatTheCodeDeclares()
    {
        var page = Path.Combine(Repository.Root, "src/DistillOnnx.Cli/OPTIONS.md");

        Assert.True(
            File.ReadAllText(page).ReplaceLineEndings("\n") == OptionsPage.Build().ReplaceLineEndings("\n"),
            "OPTIONS.md is stale: scripts/distill help --markdown > src/DistillOnnx.Cli/OPTIONS.md");
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void Example_OfAPage_Binds(string line)
    {
        var words = ShellExamples.Words(line);
        var verb = VerbTable.All.Single(v => v.Name == words[1]);

        CommandRunner.Command(verb).Bind(
            words[2..], new Dictionary<string, string>(), VerbTable.Names, w => Assert.Fail(w), validate: false);
    }

    private static IEnumerable<string> ProjectPages() => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.md", SearchOption.AllDirectories)
        .Where(p => !p.Contains("/obj/", StringComparison.Ordinal) && !p.Contains("/bin/", StringComparison.Ordinal))
        .Select(p => Path.GetRelativePath(Repository.Root, p));
}
