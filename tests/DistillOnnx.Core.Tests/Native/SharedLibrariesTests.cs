using DistillOnnx.Core.Native;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Native;

/// <summary>In which order libraries are loaded, and out of which folders.</summary>
public sealed class SharedLibrariesTests : IDisposable
{
    private readonly TemporaryDirectory _root = new();

    [Fact]
    public void Needs_APyTorchWithCuda_AreFoundInBothPlacesEachAfterItsOwn()
    {
        Write("torch/lib/libtorch.so", "libtorch_cpu.so", "libtorch_cuda.so", "libc.so.6");
        Write("torch/lib/libtorch_cpu.so", "libc10.so", "libm.so.6");
        Write("torch/lib/libtorch_cuda.so", "libcublas.so.13", "libtorch_cpu.so");
        Write("torch/lib/libc10.so");
        Write("nvidia/cu13/lib/libcublasLt.so.13");
        Write("nvidia/cu13/lib/libcudnn.so.8");
        Write("nvidia/blas/lib/libcublas.so.13", "libcublasLt.so.13");

        var folders = LibTorchFolder.Libraries(_root["torch/lib"]);
        Assert.Equal([_root["torch/lib"], _root["nvidia/blas/lib"], _root["nvidia/cu13/lib"]], folders);
        Assert.Equal(
            [
                _root["torch/lib/libc10.so"], _root["torch/lib/libtorch_cpu.so"], _root["nvidia/cu13/lib/libcublasLt.so.13"],
                _root["nvidia/blas/lib/libcublas.so.13"], _root["torch/lib/libtorch_cuda.so"],
            ],
            SharedLibraries.Needs(_root["torch/lib/libtorch.so"], folders));
    }

    [Fact]
    public void Needs_NameInTwoFolders_IsTakenFromTheFirst()
    {
        Write("program.so", "libx.so");
        Write("a/libx.so");
        Write("b/libx.so");
        Assert.Equal([_root["b/libx.so"]], SharedLibraries.Needs(_root["program.so"], [_root["b"], _root["a"]]));
    }

    [Fact]
    public void Needs_LibrariesThatNeedEachOther_AreNamedOnce()
    {
        Write("a.so", "b.so");
        Write("b.so", "c.so", "a.so");
        Write("c.so", "b.so");
        Assert.Equal([_root["c.so"], _root["b.so"]], SharedLibraries.Needs(_root["a.so"], [_root.Path]));
    }

    [Fact]
    public void Libraries_WithoutNvidiaPackages_AreThoseOfTheFolder() =>
        Assert.Equal([_root["lib"]], LibTorchFolder.Libraries(_root["lib"]));

    [Fact]
    public void Read_CutAnywhere_ThrowsInvalidDataAndNothingElse()
    {
        var whole = ElfLibrary.Needing("libfirst.so", "libsecond.so");
        Write("whole.so", "libfirst.so", "libsecond.so");
        Assert.Equal(["libfirst.so", "libsecond.so"], ElfNeeds.Read(_root["whole.so"]));
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(_root["cut.so"], whole[..length]);
            Assert.Throws<InvalidDataException>(() => ElfNeeds.Read(_root["cut.so"]));
        }
    }

    [Fact]
    public void Read_AnyByteChanged_ReadsOrThrowsInvalidData()
    {
        var bytes = ElfLibrary.Needing("libfirst.so");
        var refused = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var changed = bytes.ToArray();
            changed[i] = (byte)~changed[i];
            File.WriteAllBytes(_root["changed.so"], changed);
            try
            {
                Assert.InRange(ElfNeeds.Read(_root["changed.so"]).Count, 0, 1);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.NotEqual(0, refused);
    }

    [Fact]
    public void Open_FileThatIsNoLibrary_SaysWhichOnOneLine()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libraries are opened in this way on Linux only");
#pragma warning disable CA1416 // Skipped elsewhere.
        File.WriteAllText(_root["text.so"], "text");
        var error = Assert.Throws<DllNotFoundException>(() => SharedLibraries.Open(_root["text.so"]));
#pragma warning restore CA1416
        Assert.Contains(_root["text.so"], error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    public void Dispose() => _root.Dispose();

    private void Write(string name, params string[] needs)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root[name])!);
        File.WriteAllBytes(_root[name], ElfLibrary.Needing(needs));
    }
}
