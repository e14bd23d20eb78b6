using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Export;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Improvement;

namespace DistillOnnx.Toolchain.Tests.Improvement;

public sealed class ImproveFilesTests : IDisposable
{
    private static readonly TaskSpec Task = new() { Name = "t", Kind = TaskKind.Labels, Labels = ["yes", "no"] };
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Collected_FilesOfAServer_BecomeRowsWithoutTheStudentsAnswer()
    {
        Directory.CreateDirectory(_directory["in/b"]);
        File.WriteAllLines(
            _directory["in/a.jsonl"],
            [
                """{"id":"1","input":"one","label":"yes","student_label":"no","student_probability":0.4,"reason":"below"}""",
                """{"id":"4","input":"paid","teacher_label":"no","rationale":"Because it is so."}""",
                """{"id":"5","input":"known"}""",
                """{"id":"2","input":"two","abstained":true}""",
                """{"id":"3","input":"one"}""",
            ]);
        File.WriteAllLines(
            _directory["in/b/c.jsonl"],
            [
                """{"id":"1","input":"three"}""",
                """{"input":"four"}""",
                """{"id":"7","input":"held out"}""",
                """{"id":"8","input":"chosen by","teacher_label":"no","rationale":"Because it is so."}""",
            ]);

        File.WriteAllText(_directory["in/.rows.jsonl"], "{\"id\":\"6\",\"inp");
        Task.Save(_directory["in"]);
        using (var known = DatasetWriter.Create(_directory["known"], Task))
        {
            known.Write(SplitNames.Train, new Example { Id = "k", Input = "known" });
            known.Commit();
        }

        using (var pool = DatasetWriter.Create(_directory["pool"], Task))
        {
            pool.Write(SplitNames.Validation, new Example { Id = "v", Input = "chosen by", Label = "yes" });
            pool.Write(SplitNames.Test, new Example { Id = "t", Input = "held out", Label = "yes" });
            pool.Commit();
        }

        CollectedRows Write(string directory) => CollectedRows.Write(
            _directory[directory],
            Dataset.Open(_directory["pool"]),
            [_directory["known"]],
            _directory["out"],
            _directory["done"],
            TestContext.Current.CancellationToken);

        var count = Write("in");

        var rows = Dataset.Open(_directory["out"]).Load(SplitNames.Train, LabelNeed.None);
        Assert.Equal(new CollectedRows(4, 1, 2), count);
        Assert.Equal(["one", "two", "three", "four"], rows.Select(r => r.Input));
        Assert.Equal(["collected:1", "collected:2", "collected:1", "collected:c-2"], rows.Select(r => r.Id[..^17]));
        Assert.All(rows, r => Assert.Null(r.Label));
        var paid = Assert.Single(Dataset.Open(_directory["done"]).Load(SplitNames.Train, LabelNeed.None));
        Assert.Equal(("paid", "no", "Because it is so."), (paid.Input, paid.TeacherLabel, paid.Rationale));
        Directory.CreateDirectory(_directory["nothing"]);
        Assert.Equal(new CollectedRows(0, 0), Write("nothing"));
        File.WriteAllText(_directory["in/d.jsonl"], """{"id":"9","input":"x","choices":["a","b"]}""");
        Assert.Contains("d.jsonl: row 1: \"choices\": expected none", Assert.Throws<InputException>(() => Write("in")).Message);
        (Task with { Labels = ["a", "b"] }).Save(_directory["in"]);
        Assert.Contains("knows the labels a, b", Assert.Throws<InputException>(() => Write("in")).Message);
    }

    [Fact]
    public void Add_Bundles_GetTheNextNumberAndTheNewestIsNotCopiedTwice()
    {
        string Bundle(int seed)
        {
            RandomCheckpoint.Write(_directory[$"c{seed}"], RandomCheckpoint.Uneven, Task, seed, TinyTokenizer.SpieceModel);
            BundleExporter.Export(
                new BundleExportOptions { Model = _directory[$"c{seed}"], Out = _directory[$"b{seed}"], Graphs = GraphSet.Label },
                Reporter.None);
            return _directory[$"b{seed}"];
        }

        var (first, second) = (Bundle(1), Bundle(2));
        string Add(string bundle) => ModelFolderVersion.Add(_directory["models"], "t", bundle, TestContext.Current.CancellationToken);

        Assert.Equal(_directory["models/t/1"], Add(first));
        Assert.Equal(_directory["models/t/1"], Add(first));
        Directory.CreateDirectory(_directory["models/t/41"]);
        File.Copy(Path.Combine(second, "distill.json"), _directory["models/t/41/distill.json"]);
        Assert.Equal(_directory["models/t/42"], Add(first));
        Assert.Equal(
            Directory.EnumerateFiles(first, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(first, f)).Order(),
            Directory.EnumerateFiles(_directory["models/t/42"], "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(_directory["models/t/42"], f)).Order());
    }

    [Theory]
    [InlineData("t5-tiny", true)]
    [InlineData("a.b_C-1", true)]
    [InlineData(".hidden", false)]
    [InlineData("a/b", false)]
    [InlineData("", false)]
    public void IsName_Texts_AreThoseThatAServerLooksAt(string name, bool expected)
    {
        Assert.Equal(expected, ModelFolderVersion.IsName(name));
        Assert.True(ModelFolderVersion.IsName(ModelFolderVersion.SafeName(name)));
    }
}
