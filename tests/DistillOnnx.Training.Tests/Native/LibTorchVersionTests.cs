using DistillOnnx.Core;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Training.Tests.Native;

/// <summary>Which versions of libtorch are taken, and what is told of the one that is loaded.</summary>
public sealed class LibTorchVersionTests
{
    [Theory]
    [InlineData("2.10.0")]
    [InlineData("2.10.1")]
    [InlineData("2.11.3")]
    public void Require_TriedVersion_IsTaken(string version) => LibTorchVersion.Require(Version.Parse(version), "/somewhere");

    [Theory]
    [InlineData("2.9.1")]
    [InlineData("2.12.0")]
    [InlineData("3.10.0")]
    [InlineData(null)]
    public void Require_AnotherVersion_IsRefusedOnOneLine(string? version)
    {
        var found = version is null ? null : Version.Parse(version);
        var error = Assert.Throws<InputException>(() => LibTorchVersion.Require(found, "/somewhere"));
        Assert.StartsWith("/somewhere: libtorch " + version, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("expected 2.10 to 2.11", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Load_ThisBuild_TellsVersionAndFolder()
    {
        LibTorch.Load();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libtorch's file names differ elsewhere");
        Assert.NotNull(LibTorch.Version);
        Assert.Equal(2, LibTorch.Version.Major);
        Assert.NotNull(LibTorch.Folder);
        Assert.True(File.Exists(Path.Combine(LibTorch.Folder, "libtorch_cpu.so")));
        if (LibTorch.IsExternal) Assert.NotEqual(Path.GetFullPath(AppContext.BaseDirectory), Path.GetFullPath(LibTorch.Folder + "/"));
    }
}
