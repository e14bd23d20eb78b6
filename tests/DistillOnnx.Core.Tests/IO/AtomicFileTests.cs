using DistillOnnx.Stages.IO;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.IO;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryDirectory _parent = new();

    [Fact]
    public void Commit_EarlierFile_IsReplacedOnlyThen()
    {
        var path = _parent["a.txt"];
        File.WriteAllText(path, "old");
        using var file = AtomicFile.Create(path);
        file.Stream.Write("new"u8);
        file.Stream.Flush();
        Assert.Equal("old", File.ReadAllText(path));
        file.Commit();
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Single(Directory.EnumerateFileSystemEntries(_parent.Path));
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesNothing()
    {
        using (var file = AtomicFile.Create(_parent["a.txt"])) file.Stream.Write("new"u8);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent.Path));
    }

    [Fact]
    public void Create_DirectoryInTheWay_IsRefused()
    {
        Assert.Throws<InputException>(() => AtomicFile.Create(_parent.Path));
        Assert.Throws<InputException>(() => AtomicFile.Create(Path.Combine(_parent.Path, "none", "a.txt")));
    }

    [Fact]
    public void Create_DirectoryThatTakesNoFiles_NamesTheOutputAndNotTheHiddenFile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems have no /proc");
        var fault = Assert.Throws<InputException>(() => AtomicFile.Create("/proc/answers"));
        Assert.Equal("/proc/answers: cannot be written: /proc takes no new files", fault.Message);
    }

    [Fact]
    public void Commit_DirectoryPutInTheWay_NamesTheOutputAndNotTheHiddenFile()
    {
        var path = _parent["a.txt"];
        using var file = AtomicFile.Create(path);
        Directory.CreateDirectory(path);
        var fault = Assert.Throws<InputException>(file.Commit);
        Assert.StartsWith($"{path}: cannot be written: ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(".partial", fault.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _parent.Dispose();
}
