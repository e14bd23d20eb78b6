using CsCheck;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Core.Tests.Metrics;

public sealed class UncertaintyTests
{
    private static readonly Gen<(double Probability, bool Correct)[]> Answers =
        Gen.Select(Gen.Int[0, 20].Select(i => i / 20.0), Gen.Bool).Array[1, 80];

    [Fact]
    public void Bins_OfAnyAnswers_AreThoseOfAPlainCount() => Answers.Sample(answers =>
    {
        var bins = Calibration.Bins([.. answers.Select(a => a.Probability)], [.. answers.Select(a => a.Correct)], 7);
        var gap = 0.0;
        for (var i = 0; i < 7; i++)
        {
            var within = answers.Where(a => a.Probability * 7 >= i && (a.Probability * 7 < i + 1 || (i == 6 && a.Probability == 1)))
                .ToList();
            Assert.Equal(within.Count, bins[i].Rows);
            if (within.Count == 0) continue;
            var (mean, right) = (within.Average(a => a.Probability), within.Average(a => a.Correct ? 1.0 : 0));
            Assert.Equal((mean, right), (bins[i].Probability, bins[i].Accuracy), Near);
            gap += within.Count * Math.Abs(mean - right) / answers.Length;
        }

        Assert.Equal(gap, Calibration.ExpectedCalibrationError(bins), 12);
    });

    [Fact]
    public void Curve_OfAnyAnswers_GivesWhatAbstainingBelowEachThresholdWould() => Answers.Sample(answers =>
    {
        var curve = RiskCoverage.Curve([.. answers.Select(a => a.Probability)], [.. answers.Select(a => a.Correct)], 10);
        foreach (var point in curve)
        {
            var kept = answers.Where(a => a.Probability >= point.Threshold).ToList();
            Assert.Equal((double)kept.Count / answers.Length, point.Coverage, 12);
            Assert.Equal(kept.Average(a => a.Correct ? 0.0 : 1), point.Risk, 12);
        }

        Assert.Equal(1, curve[^1].Coverage);
        Assert.InRange(curve.Count, 1, 10);
        Assert.Equal(curve.OrderBy(p => p.Coverage).DistinctBy(p => p.Coverage), curve);
    });

    [Theory]
    [InlineData("the cat sat on the mat", "the cat was on a mat", 8 / 12.0)]
    [InlineData("It's RED.", "it s red", 1)]
    [InlineData("", "a", 0)]
    [InlineData("a", "... !", 0)]
    [InlineData("b a", "a b", 0.5)]
    [InlineData("Änderung größer", "änderung grösser", 0.5)]
    public void RougeL_OfKnownTexts(string candidate, string reference, double f1) => Assert.Equal(f1, RougeL.F1(candidate, reference), 12);

    [Fact]
    public void RougeL_OfAnyWords_IsTheLongestOfAllCommonSubsequences() =>
        Gen.Select(Gen.Char["abc"].Array[0, 8], Gen.Char["abc"].Array[0, 8]).Sample((a, b) =>
        {
            // Every subsequence of one text, looked for in the other.
            var longest = Enumerable.Range(0, 1 << a.Length)
                .Select(mask => a.Where((_, i) => (mask >> i & 1) == 1).ToArray())
                .Where(s => IsWithin(s, b)).Max(s => s.Length);
            var expected = a.Length == 0 || b.Length == 0 ? 0 : 2.0 * longest / (a.Length + b.Length);
            Assert.Equal(expected, RougeL.F1(string.Join(' ', a), string.Join(", ", b)), 12);
        });

    [Fact]
    public void Bootstrap_OfAShare_IsNearTheExactBinomialInterval()
    {
        // The share of 100 draws with probability 0.3: its 2.5 % and 97.5 % quantiles are 0.21 and 0.39.
        var interval = Bootstrap.Of([30, 70], drawn => drawn[0] / 100.0);

        Assert.Equal("bootstrap", interval.Method);
        Assert.InRange(interval.Low, 0.20, 0.22);
        Assert.InRange(interval.High, 0.38, 0.40);
        Assert.Equal(interval, Bootstrap.Of([30, 70], drawn => drawn[0] / 100.0));
    }

    [Fact]
    public void Bootstrap_OfMacroF1_FiguresEachDrawAsTheMatrixDoes()
    {
        string[] labels = ["a", "b"];
        var matrix = new ConfusionMatrix(labels);
        foreach (var (gold, answer, rows) in new[] { ("a", "a", 8), ("a", "b", 2), ("b", "b", 5), ("b", "z", 3) })
            for (var i = 0; i < rows; i++) matrix.Add(gold, answer);

        // The same draws, each filled into a matrix of its own.
        var expected = Bootstrap.Of([8, 2, 0, 5, 0, 3], drawn =>
        {
            var copy = new ConfusionMatrix(labels);
            void Add(string gold, string answer, int rows)
            {
                for (var i = 0; i < rows; i++) copy.Add(gold, answer);
            }

            Add("a", "a", drawn[0]);
            Add("a", "b", drawn[1]);
            Add("b", "a", drawn[2]);
            Add("b", "b", drawn[3]);
            Add("a", "z", drawn[4]);
            Add("b", "z", drawn[5]);
            var f1 = copy.Classes().Select((c, i) => (c.F1, Occurs: c.Support + copy.Answered()[i] > 0)).Where(c => c.Occurs).ToList();
            return f1.Average(c => c.F1);
        });
        var interval = Bootstrap.OfMacroF1(matrix);
        Assert.Equal((expected.Low, expected.High), (interval.Low, interval.High), Near);
        Assert.InRange(matrix.MacroF1(), interval.Low, interval.High);
    }

    private static bool IsWithin(char[] sequence, char[] text)
    {
        var at = 0;
        foreach (var c in text) if (at < sequence.Length && sequence[at] == c) at++;
        return at == sequence.Length;
    }

    private static bool Near((double, double) a, (double, double) b) =>
        Math.Abs(a.Item1 - b.Item1) < 1e-12 && Math.Abs(a.Item2 - b.Item2) < 1e-12;
}
