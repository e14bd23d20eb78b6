using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Inspect;

namespace DistillOnnx.Toolchain.Tests.Inspect;

public sealed class InspectDatasetTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("distillonnx-inspect-").FullName;

    public InspectDatasetTests()
    {
        new TaskSpec { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "no"], MaxInputTokens = 30 }.Save(_root);
        Write("train",
            """{"id":"a","input":"one","label":"yes","rationale":"one two three","teacher_label":"yes"}""",
            """{"id":"b","input":"one","label":"no","rationale":"one","teacher_label":"yes"}""",
            """{"id":"c","input":"one","label":"no"}""",
            """{"id":"d","input":"two","label":"yes","rationale":"a b c d"}""",
            """{"id":"e","input":"two"}""",
            """{"id":"f","input":"three","teacher_label":"no"}""");
        Write("validation",
            """{"id":"g","input":"two","label":"no"}""",
            """{"id":"h","input":"two","label":"no"}""",
            """{"id":"i","input":"own","label":"no"}""");
        Write("test",
            """{"id":"j","input":"one","label":"yes"}""",
            """{"id":"k","input":"two","label":"yes"}""",
            """{"id":"l","input":"<script>alert(1)</script> which is much longer than the limit é","label":"yes"}""");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Run_PlantedFaults_GivesExactlyThoseCounts()
    {
        var facts = Run(new InspectOptions { Directory = _root }).Dataset!;
        var train = facts.Splits["train"];
        Assert.Equal((6, 2, 3, 3), (train.Rows, train.WithoutLabel, train.WithoutRationale, train.WithoutTeacherLabel));
        Assert.Equal([("yes", 2L), ("no", 2L)], train.Labels.Select(l => (l.Key, l.Value)));
        Assert.Equal((3, 1, 0), (train.DuplicateRows, train.ConflictingInputs, train.OtherLabels));
        Assert.Equal(["train/a: yes", "train/b: no", "train/c: no"], Assert.Single(train.Conflicts).Rows);
        Assert.Equal(["one", "two"], train.Duplicates.Select(d => d.Input));
        Assert.Equal(new LengthFacts(1, 3, 2.67, 4, 4, 4), train.RationaleWords);
        Assert.Equal(new AgreementFacts(2, 1), train.Agreement);
        Assert.Equal(new AgreementFacts(1, 0), train.AgreementByLabel["no"]);
        Assert.Equal((1, 0), (facts.Splits["validation"].DuplicateRows, facts.Splits["validation"].ConflictingInputs));
        Assert.Null(facts.Splits["validation"].Agreement);
        Assert.Equal("l", facts.Splits["test"].Longest[0].Id);
        Assert.Null(train.Tokens);
        Assert.Equal(
            [("train, validation", 1L, 2L, 1L), ("train, test", 2L, 2L, 0L), ("validation, test", 1L, 1L, 1L)],
            facts.Leaks.Select(l => (l.Splits, l.Inputs, l.Rows, l.DifferentLabels)));
        Assert.Equal(
            ["train/d: yes", "train/e: (no label)", "validation/g: no", "validation/h: no"], Assert.Single(facts.Leaks[0].Examples).Rows);
    }

    [Fact]
    public void Run_WithStudent_CountsCutRowsAndUnknownPieces()
    {
        var student = Path.Combine(_root, "student");
        RandomCheckpoint.Write(student, RandomCheckpoint.Uneven, null, spieceModel: TinyTokenizer.SpieceModel);
        var facts = Run(new InspectOptions { Directory = _root, Student = student }).Dataset!;
        var tokens = facts.Splits["test"].Tokens!;
        Assert.Equal((1, 1, 0), (tokens.Cut, tokens.UnknownInputs, tokens.UnknownLabels));
        Assert.Equal("l", Assert.Single(tokens.CutExamples).Id);
        Assert.Equal(1, Assert.Single(tokens.UnknownExamples).Size);
        Assert.Equal((0, 0), (facts.Splits["train"].Tokens!.Cut, facts.Splits["train"].Tokens!.UnknownInputs));
        Assert.True(tokens.Lengths!.Max > 30);
    }

    [Fact]
    public void Run_ManyRows_CountsThemInTheFileToo()
    {
        const int Rows = 60_000;
        Write(
            "train",
            [.. Enumerable.Range(
                0, Rows).Select(i => $$"""{"input":"row {{i % (Rows - 7)}}","label":"{{(i < Rows - 3 ? "yes" : "no")}}"}""")]);
        var train = Run(new InspectOptions { Directory = _root }).Dataset!.Splits["train"];
        Assert.Equal((Rows, 7, 3), (train.Rows, train.DuplicateRows, train.ConflictingInputs));
    }

    [Fact]
    public void Run_StudentForAModel_IsRefused()
    {
        File.WriteAllText(Path.Combine(_root, "config.json"), "{}");
        var error = Assert.Throws<InputException>(() => Run(new InspectOptions { Directory = _root, Student = _root }));
        Assert.Contains("--student is for datasets", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Report_EscapesInputsAndRefersToNothingOutside()
    {
        var path = Path.Combine(_root, "report.html");
        Assert.Equal(path, Run(new InspectOptions { Directory = _root, Report = path }).Report);
        var html = File.ReadAllText(path);
        Assert.Contains("&lt;script&gt;alert(1)", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("<rect", html, StringComparison.Ordinal);
        // The name of SVG's namespace and the policy's attribute load nothing.
        var rest = html.Replace(
            "xmlns=\"http://www.w3.org/2000/svg\"", "", StringComparison.Ordinal).Replace("http-equiv", "", StringComparison.Ordinal);
        Assert.DoesNotContain("http", rest, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(
            "exists already", Assert.Single(new InspectOptions { Directory = _root, Report = path }.Validate()), StringComparison.Ordinal);
    }

    private static InspectResult Run(InspectOptions options) =>
        Inspector.Run(options, Reporter.None, TestContext.Current.CancellationToken);

    private void Write(string split, params string[] rows) => File.WriteAllLines(Path.Combine(_root, split + ".jsonl"), rows);
}
