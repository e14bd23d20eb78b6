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

    public void Dispose() => _parent.Dispose();
}
