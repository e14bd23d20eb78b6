using CsCheck;
using DistillOnnx.Teacher.Answers;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Rationales as people read them: marks of Markdown and LaTeX are taken off, and nothing else.</summary>
public sealed class MarkdownTextTests
{
    private static readonly Gen<string> Word = Gen.OneOf(
        "It", "closes", "when", "pressed", "7", "again", "don't", "3.5", "e-mail", "naïve", "(then)", "\"so\"");

    // What looks like a mark and is none.
    private static readonly Gen<string> Sign = Gen.OneOf(
        "2*3*4", "5 * 3", "a_b_c", "snake_case", "_private", "__init__", "2**3", "x**2**3", "*args", "**kwargs", "(2*x)*(3*y)", "f(*a, *b)",
        "5 - 3", "a|b", "|x|", "a[0](x)", "m[i](2)", "[1]", "C#", "#1", "~5", "3 ~ 4", "x > y", "a -> b", "$5", "C:\\_tmp\\x",
        "*.txt and *.md", "src/*/bin", "COUNT(*)", "int *p", "char **v", "2 * 3 * 4", "5 *3* 2", "___", "/* a */", "7 * (36 + 2)");

    [Theory]
    [InlineData("It is *not* so.", "It is not so.")]
    [InlineData("It is _not_ so.", "It is not so.")]
    [InlineData("It is **bold**, ***both*** and __bold as well__.", "It is bold, both and bold as well.")]
    [InlineData("**Bold with *italics* within.**", "Bold with italics within.")]
    [InlineData("*Italics with **bold***", "Italics with bold")]
    [InlineData("~~gone~~ stays", "gone stays")]
    [InlineData("它是**重要**的。", "它是重要的。")]
    [InlineData("# Analysis\nIt closes.", "Analysis\nIt closes.")]
    [InlineData("## Analysis ##", "Analysis")]
    [InlineData("Title\n=====\nIt closes.\n---\nDone.", "Title\nIt closes.\nDone.")]
    [InlineData("- first\n  * second\n• third\n+ fourth", "first\nsecond\nthird\nfourth")]
    [InlineData("- [x] done\n- [ ] open", "done\nopen")]
    [InlineData("1. first\n2. second", "1. first\n2. second")]
    [InlineData("> It closes.\n>> Twice.", "It closes.\nTwice.")]
    [InlineData("- > **note**", "note")]
    [InlineData("- 5 apples are left", "5 apples are left")]
    [InlineData("7\n- 5\n+ 3\n* 2", "7\n- 5\n+ 3\n* 2")]
    [InlineData("| Sign | Meaning |\n|---|:-:|\n| *crash* | a bug |\n| a \\| b | |\nDone.", "Sign: Meaning\ncrash: a bug\na | b\nDone.")]
    [InlineData("a | b | c\n--|---|--\n1 | 2 | 3", "a: b, c\n1: 2, 3")]
    [InlineData("See [the page](https://x.org/a_(b)?c=1 \"title\") and ![a plot](p.png).", "See the page and a plot.")]
    [InlineData("[**bold**](#here) <https://x.org/a_b_c>", "bold https://x.org/a_b_c")]
    [InlineData("Call `f(*a, *b)` or ``a ` b``; `x_1_2`.", "Call f(*a, *b) or a ` b; x_1_2.")]
    [InlineData("`` ` ``", "`")]
    [InlineData("an `open tick", "an `open tick")]
    [InlineData("feature\\_request is 5 \\* 3", "feature_request is 5 * 3")]
    [InlineData("**Step 1:** add *two* numbers: 2*3*4 = 24", "Step 1: add two numbers: 2*3*4 = 24")]
    [InlineData("an **open mark", "an **open mark")]
    [InlineData("5* and 6* say f***", "5* and 6* say f***")]
    [InlineData("f(*a, *b) is 5*", "f(*a, *b) is 5*")]
    public void Plain_Markdown_IsWhatAPersonReads(string text, string plain) => Assert.Equal(plain, MarkdownText.Plain(text));

    [Theory]
    [InlineData("\\(5 \\times 3 = 15\\)", "5 * 3 = 15")]
    [InlineData("That is $\\frac{1}{2} \\cdot 8$.", "That is 1/2 * 8.")]
    [InlineData("\\[ \\frac{a + b}{2} \\leq 5\\% \\]", " (a + b)/2 <= 5% ")]
    [InlineData("$$\\text{cost} = 3 \\div 4$$", "cost = 3 / 4")]
    [InlineData("It costs $5, and $x$ is \\boxed{12}.", "It costs $5, and x is 12.")]
    [InlineData("It costs $5 and $6.", "It costs $5 and $6.")]
    [InlineData("C:\\new\\text\\timed", "C:\\new\\text\\timed")]
    [InlineData("\\d+\\w* {a}", "\\d+\\w* {a}")]
    public void Plain_Latex_IsPlainArithmetic(string text, string plain) => Assert.Equal(plain, LatexText.Plain(text));

    [Fact]
    public void Plain_SignsOfTheText_StayAsTheyAre() => Gen.OneOf(Word, Sign).Array[1, 12].Select(w => string.Join(' ', w)).Sample(
        text => MarkdownText.Plain($"So {text}.") == $"So {text}." && LatexText.Plain(text) == text,
        iter: 3000);

    [Fact]
    public void Plain_MarkedWords_AreTheWords()
    {
        var mark = Gen.OneOf(
            "{0}", "*{0}*", "_{0}_", "**{0}**", "***{0}***", "`{0}`", "~~{0}~~", "[{0}](https://x.org)", "**_{0}_**", "*`{0}`*");
        var words = Gen.OneOf("It", "closes", "when", "pressed", "naïve", "it's", "two words").Array[1, 8];
        var line = Gen.OneOf("{0}", "# {0}", "- {0}", "* {0}", "> {0}", "  - {0}", "### {0} ###");
        Gen.Select(words, mark.Array[8], line).Sample(
            (parts, marks, form) =>
            {
                string Put(string format, string text) => format.Replace("{0}", text, StringComparison.Ordinal);
                var text = Put(form, string.Join(' ', parts.Select((w, i) => Put(marks[i], w))));
                return MarkdownText.Plain(text) == string.Join(' ', parts);
            },
            iter: 3000);
    }

    [Fact]
    public void Plain_AnyText_LosesNoLetter()
    {
        var piece = Gen.OneOf(
            "a", "B", "é", "7", " ", " ", "*", "**", "_", "`", "``", "[", "](", ")", "~~", "\n", "# ", "- ", "> ", "|", "|-|-|", "(", "<",
            "x_y");
        piece.Array[0, 40].Select(string.Concat).Sample(
            text =>
            {
                var plain = MarkdownText.Plain(text);
                return Letters(plain) == Letters(text) && plain.Length <= text.Length + text.Count(c => c == '|') * 2;
            },
            iter: 5000);

        static string Letters(string text) => string.Concat(text.Where(c => char.IsLetter(c)));
    }

    // In time that grows with the square of the length these would take hours.
    [Theory]
    [InlineData("*a ")]
    [InlineData("**a _b ")]
    [InlineData("a*b_")]
    [InlineData("`a``b```c")]
    [InlineData("[a](")]
    [InlineData("[a](b")]
    [InlineData("- > ")]
    [InlineData("\\frac{\\frac{a}")]
    [InlineData("\\( $ ")]
    [InlineData("<http")]
    [InlineData("|\n|-")]
    [InlineData("* ")]
    [InlineData("*\n")]
    public void Rationale_LongTextsOfMarks_AreReadInLinearTime(string part)
    {
        var text = string.Concat(Enumerable.Repeat(part, 100_000));
        Assert.NotNull(MarkdownText.Plain(text));
        Markup.Rationale($"It {text} closes.");
        Markup.Bare(text);
    }
}
