using DistillOnnx.Stages.IO;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.IO;

public sealed class OutputFilesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public OutputFilesTests()
    {
        Directory.CreateDirectory(_directory["data"]);
        foreach (var name in (string[])["task.json", "test.jsonl", "page.html", "answers.jsonl"]) File.WriteAllText(Data(name), name);
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("test.jsonl")]
    [InlineData("task.json")]
    public void Fault_FileOfWhatIsRead_IsRefusedWhateverOverwrite(string name)
    {
        var expected = $"{Data(name)}: is read as well ({_directory["data"]}); choose another file";

        Assert.Equal(expected, OutputFiles.Fault(Data(name), overwrite: true, null, _directory["data"]));
        Assert.Equal(expected, OutputFiles.Fault(Data(name), overwrite: false, _directory["data"]));
        Assert.Contains("is read as well", OutputFiles.Fault(Data(name), overwrite: true, Data(name)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("page.html")]
    [InlineData("answers.jsonl")]
    public void Fault_EarlierOutputBesideWhatIsRead_NeedsOverwriteAlone(string name)
    {
        Assert.Null(OutputFiles.Fault(Data(name), overwrite: true, _directory["data"]));
        Assert.Equal(
            $"{Data(name)}: exists already; choose another file or pass --overwrite",
            OutputFiles.Fault(Data(name), overwrite: false, _directory["data"]));
    }

    [Fact]
    public void Fault_NoFileOrANewOne_IsNone()
    {
        Assert.Null(OutputFiles.Fault(null, overwrite: false, _directory["data"]));
        Assert.Null(OutputFiles.Fault(Data("new.txt"), overwrite: false, _directory["data"]));
    }

    [Fact]
    public void Fault_Directory_IsRefused() =>
        Assert.Contains("found a directory", OutputFiles.Fault(_directory["data"], overwrite: true), StringComparison.Ordinal);

    [Fact]
    public void Fault_ByLinks_IsTheSame()
    {
        // The dataset's file is a link into a store, and the dataset is named by a link.
        File.WriteAllText(_directory["stored.html"], "");
        File.CreateSymbolicLink(Data("train.jsonl"), _directory["stored.html"]);
        Directory.CreateSymbolicLink(_directory["link"], _directory["data"]);
        File.CreateSymbolicLink(_directory["other.html"], Data("test.jsonl"));

        foreach (var file in (string[])["stored.html", "data/train.jsonl", "link/test.jsonl", "other.html"])
        {
            foreach (var input in (string[])["data", "link"])
                Assert.NotNull(OutputFiles.Fault(_directory[file], overwrite: true, _directory[input]));
        }
    }

    [Fact]
    public void SameFault_OneFileByTwoPaths_NamesBothOptions()
    {
        Directory.CreateSymbolicLink(_directory["link"], _directory["data"]);

        Assert.Equal(
            $"--a and --b are one file ({Data("new.html")}); choose two",
            OutputFiles.SameFault("--a", Data("new.html"), "--b", _directory["link/../link/new.html"]));
        Assert.Null(OutputFiles.SameFault("--a", Data("new.html"), "--b", Data("other.html")));
        Assert.Null(OutputFiles.SameFault("--a", null, "--b", Data("other.html")));
    }

    private string Data(string name) => _directory["data/" + name];
}
