using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Native;
using TorchSharp;

namespace DistillOnnx.Training.Tests.Native;

/// <summary>How libtorch is brought into the process.</summary>
public sealed class LibTorchTests
{
    private static string Bridge => Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so");

    [Fact]
    public void Load_Twice_GivesWorkingTensors()
    {
        LibTorch.Load(threads: 2);
        LibTorch.Load();
        using var three = torch.tensor(1f) + torch.tensor(2f);
        Assert.Equal(3f, three.item<float>());
        Assert.Equal(2, torch.get_num_threads());
    }

    [Fact]
    public void MakeWeak_TorchSharpsLibrary_SetsOneFlagAndNothingElse()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(Bridge), "TorchSharp's library for Linux is not here");
        var original = File.ReadAllBytes(Bridge);
        var patched = original.ToArray();
        Assert.True(VersionNeed.MakeWeak(patched, VersionNeed.UnusedRuntimeVersion));
        var changed = Enumerable.Range(0, original.Length).Where(i => original[i] != patched[i]).ToList();
        Assert.Single(changed);
        Assert.Equal(original[changed[0]] | 2, patched[changed[0]]);
    }

    [Fact]
    public void MakeWeak_VersionNotNeeded_ChangesNothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(Bridge), "TorchSharp's library for Linux is not here");
        var library = File.ReadAllBytes(Bridge);
        Assert.False(VersionNeed.MakeWeak(library, "GLIBCXX_9.9.9"));
        Assert.Equal(File.ReadAllBytes(Bridge), library);
    }

    [Fact]
    public void MakeWeak_DamagedLibrary_ThrowsInvalidData()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(Bridge), "TorchSharp's library for Linux is not here");
        Assert.Throws<InvalidDataException>(() => VersionNeed.MakeWeak(new byte[100], VersionNeed.UnusedRuntimeVersion));
        var cut = File.ReadAllBytes(Bridge)[..100_000];
        Assert.Throws<InvalidDataException>(() => VersionNeed.MakeWeak(cut, VersionNeed.UnusedRuntimeVersion));
    }

    [Fact]
    public async Task Place_ManyAtOnce_LeavesOneWholeFile()
    {
        var directory = Directory.CreateTempSubdirectory("distillonnx-test-");
        try
        {
            var content = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray();
            Assert.SkipWhen(OperatingSystem.IsWindows(), "private copies are made on Linux only");
            var paths = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Place(directory.FullName, content))));
            Assert.Single(paths.Distinct());
            Assert.Equal(content, File.ReadAllBytes(paths[0]));
            Assert.Single(directory.GetFiles());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Place_DamagedFile_IsReplaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "private copies are made on Linux only");
        var directory = Directory.CreateTempSubdirectory("distillonnx-test-");
        try
        {
            var path = Place(directory.FullName, [1, 2, 3]);
            File.WriteAllBytes(path, [1, 2]);
            Assert.Equal(path, Place(directory.FullName, [1, 2, 3]));
            Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("CPU")]
    public void Select_NoDevicesName_IsRefused(string name) => Assert.Throws<InputException>(() => Devices.Select(name, Reporter.None));

    [Fact]
    public void Select_CudaWhereThereIsNone_IsRefusedAndAutoTakesTheCpu()
    {
        LibTorch.Load();
        Assert.SkipWhen(torch.cuda.is_available(), "this machine has a CUDA device");
        Assert.Throws<InputException>(() => Devices.Select("cuda:0", Reporter.None));
        Assert.Equal(DeviceType.CPU, Devices.Select("auto", Reporter.None).type);
    }

#pragma warning disable CA1416 // The callers skip on Windows.
    private static string Place(string directory, byte[] content) => PrivateCopy.Place(directory, "library.so", content);
#pragma warning restore CA1416
}
