using DistillOnnx.Stages.IO;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.IO;

/// <summary>What an end without order leaves behind.</summary>
public sealed class StagedOutputsTests : IDisposable
{
    private readonly TemporaryDirectory _parent = new();

    public void Dispose() => _parent.Dispose();

    [Fact]
    public void DeleteAll_OutputsThatAreNotComplete_AreRemovedAndCompleteOnesKept()
    {
        AtomicFile.WriteAllBytes(_parent["done.txt"], "x"u8);
        using var file = AtomicFile.Create(_parent["skipped.jsonl"]);
        using var directory = OutputDirectory.Create(_parent["out"]);
        File.WriteAllText(directory.FilePath("sub/x"), "x");
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(_parent.Path).Count());

        StagedOutputs.DeleteAll(_parent.Path);

        Assert.Equal(["done.txt"], Directory.EnumerateFileSystemEntries(_parent.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Create_FileThatAKilledProcessLeft_IsRemoved()
    {
        var dead = _parent[$".a.txt.{Environment.MachineName}-{int.MaxValue}-0.partial"];
        var other = _parent[$".b.txt.{Environment.MachineName}-{int.MaxValue}-0.partial"];
        File.WriteAllText(dead, "x");
        File.WriteAllText(other, "x");

        AtomicFile.WriteAllBytes(_parent["a.txt"], "y"u8);

        Assert.False(File.Exists(dead));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public void NameOutputs_MessageOfTheSystem_HasTheNamesThatTheUserGave()
    {
        using var file = AtomicFile.Create(_parent["skipped.jsonl"]);
        using var directory = OutputDirectory.Create(_parent["out"]);
        var hidden = ((FileStream)file.Stream).Name;

        Assert.Equal(
            $"No space left on device : '{_parent["skipped.jsonl"]}'", StagedOutputs.NameOutputs($"No space left on device : '{hidden}'"));
        Assert.Equal(
            $"No space left on device : '{_parent["out"]}/model.safetensors'",
            StagedOutputs.NameOutputs($"No space left on device : '{directory.Path}/model.safetensors'"));
        Assert.Equal("a.partial and .b.partial stay", StagedOutputs.NameOutputs("a.partial and .b.partial stay"));
    }
}
