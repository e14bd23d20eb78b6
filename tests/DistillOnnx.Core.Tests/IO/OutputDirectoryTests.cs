using DistillOnnx.Stages.IO;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.IO;

public sealed class OutputDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _parent = new();

    private string Target => _parent["out"];

    [Fact]
    public void Commit_NewOutput_AppearsOnlyThenAndWhole()
    {
        using var output = OutputDirectory.Create(Target);
        File.WriteAllText(output.FilePath("a/b.txt"), "x");
        Assert.False(Directory.Exists(Target));
        output.Commit();
        Assert.Equal("x", File.ReadAllText(Path.Combine(Target, "a", "b.txt")));
        AssertNothingHidden();
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesNothing()
    {
        using (var output = OutputDirectory.Create(Target)) File.WriteAllText(output.FilePath("a.txt"), "x");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent.Path));
    }

    [Fact]
    public void Dispose_WithoutCommitOverAnEarlierOutput_LeavesThatAsItWas()
    {
        WriteOld();
        using (var output = OutputDirectory.Create(Target, overwrite: true)) File.WriteAllText(output.FilePath("new.txt"), "x");
        Assert.Equal(["old.txt"], Directory.EnumerateFiles(Target).Select(Path.GetFileName));
        AssertNothingHidden();
    }

    [Fact]
    public void Commit_OverAnEarlierOutput_ReplacesAllOfIt()
    {
        WriteOld();
        using var output = OutputDirectory.Create(Target, overwrite: true);
        File.WriteAllText(output.FilePath("new.txt"), "x");
        output.Commit();
        Assert.Equal(["new.txt"], Directory.EnumerateFiles(Target).Select(Path.GetFileName));
        AssertNothingHidden();
    }

    /// <summary>What no stage writes is the user's own, whatever --overwrite says.</summary>
    [Theory]
    [InlineData("thesis.txt")]
    [InlineData("src/rows.csv")]
    [InlineData("README.md")]
    public void Require_OverwriteOfADirectoryWithOtherThings_IsRefusedAndNamesOne(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Target, name))!);
        File.WriteAllText(Path.Combine(Target, "task.json"), "{}");
        File.WriteAllText(Path.Combine(Target, name), "mine");

        var error = Assert.Throws<InputException>(() => OutputDirectory.Require(Target, overwrite: true));

        Assert.Contains($"holds {name.Split('/')[0]}, which is no part of an output", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Target, name)));
    }

    [Fact]
    public void Require_ReportWithinTheOutput_IsNoForeignFile()
    {
        Directory.CreateDirectory(Target);
        var report = Path.Combine(Target, "r.html");
        File.WriteAllText(report, "page");
        OutputDirectory.Require(Target, overwrite: true, report, []);
        OutputDirectory.Require(Target, overwrite: true, Path.GetRelativePath(Environment.CurrentDirectory, report), []);
        foreach (var other in (string?[])[null, "", _parent["r.html"], Path.Combine(Target, "other.html")])
        {
            Assert.Contains(
                "holds r.html",
                Assert.Throws<InputException>(() => OutputDirectory.Require(Target, overwrite: true, other, [])).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Require_OutputThatIsReadToo_IsRefused()
    {
        Directory.CreateDirectory(Target);
        var file = Path.Combine(Target, "train.jsonl");
        File.WriteAllText(file, "{}");
        var link = _parent["link"];
        Directory.CreateSymbolicLink(link, Target);

        foreach (var input in new[] { Target, Target + "/", file, link })
        {
            Assert.Contains(
                "is read as well",
                Assert.Throws<InputException>(() => OutputDirectory.Require(Target, overwrite: true, input)).Message,
                StringComparison.Ordinal);
        }

        OutputDirectory.Require(Target, overwrite: true, _parent["elsewhere"], null, "");
    }

    [Fact]
    public void Create_ExistingOutput_IsRefusedWithoutOverwrite()
    {
        WriteOld();
        var error = Assert.Throws<InputException>(() => OutputDirectory.Create(Target));
        Assert.Contains("--overwrite", error.Message);
        AssertNothingHidden();
    }

    [Fact]
    public void Create_EmptyDirectory_IsTaken()
    {
        Directory.CreateDirectory(Target);
        using var output = OutputDirectory.Create(Target);
        File.WriteAllText(output.FilePath("new.txt"), "x");
        output.Commit();
        Assert.True(File.Exists(Path.Combine(Target, "new.txt")));
    }

    [Fact]
    public void Commit_OutputThatAppearedMeanwhile_IsNotReplaced()
    {
        using var output = OutputDirectory.Create(Target);
        File.WriteAllText(output.FilePath("new.txt"), "x");
        WriteOld();
        Assert.Throws<InputException>(output.Commit);
        Assert.True(File.Exists(Path.Combine(Target, "old.txt")));
    }

    [Fact]
    public void Create_FileAtTheTarget_IsRefused()
    {
        File.WriteAllText(Target, "x");
        Assert.Contains("found a file", Assert.Throws<InputException>(() => OutputDirectory.Create(Target, overwrite: true)).Message);
    }

    [Fact]
    public void Create_ParentThatCannotBeWritten_IsRefused()
    {
        File.WriteAllText(_parent["file"], "x");
        Assert.Contains(
            "cannot be written", Assert.Throws<InputException>(() => OutputDirectory.Create(Path.Combine(_parent["file"], "out"))).Message);
        Assert.Throws<InputException>(() => OutputDirectory.Create("/"));
    }

    [Fact]
    public void Require_ParentThatCannotBeWritten_IsRefusedBeforeAnyWork()
    {
        File.WriteAllText(_parent["file"], "x");
        foreach (var below in (string[])["out", "deep/out"])
        {
            var message = Assert.Throws<InputException>(
                () => OutputDirectory.Require(Path.Combine(_parent["file"], below), overwrite: true)).Message;
            Assert.EndsWith($"cannot be written: {_parent["file"]} is a file", message, StringComparison.Ordinal);
        }

        Assert.Throws<InputException>(() => OutputDirectory.Require("/", overwrite: true));
    }

    [Fact]
    public void Require_ParentThatTakesNoFiles_NamesTheOutputAndNotTheHiddenDirectory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems have no /proc");
        const string reason = "cannot be written: /proc takes no new files";
        foreach (var target in (string[])["/proc/out", "/proc/deep/out"])
            Assert.Equal($"{target}: {reason}", Assert.Throws<InputException>(() => OutputDirectory.Require(target, false)).Message);
        Assert.Equal($"/proc/out: {reason}", Assert.Throws<InputException>(() => OutputDirectory.Create("/proc/out")).Message);
    }

    [Fact]
    public void Require_ParentThatIsMissing_IsFineAndLeavesNothing()
    {
        OutputDirectory.Require(_parent["deep/er/out"], overwrite: false);
        OutputDirectory.Require(Target + "/", overwrite: false);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent.Path));
    }

    [Fact]
    public void Create_LeftoversOfAKilledProcess_AreRemovedAndThoseOfALivingOneKept()
    {
        var dead = _parent[$".out.{Environment.MachineName}-{int.MaxValue}-0.partial"];
        var alive = _parent[$".out.{Environment.MachineName}-{Environment.ProcessId}-0.partial"];
        var elsewhere = _parent[$".out.another-machine-{int.MaxValue}-0.partial"];
        foreach (var path in (string[])[dead, alive, elsewhere])
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(path).FullName, "x"), "x");
        using var output = OutputDirectory.Create(Target);
        Assert.False(Directory.Exists(dead));
        Assert.True(Directory.Exists(alive));
        Assert.True(Directory.Exists(elsewhere));
    }

    public void Dispose() => _parent.Dispose();

    private void WriteOld() => File.WriteAllText(Path.Combine(Directory.CreateDirectory(Target).FullName, "old.txt"), "x");

    private void AssertNothingHidden() =>
        Assert.Equal(["out"], Directory.EnumerateFileSystemEntries(_parent.Path).Select(Path.GetFileName));
}
