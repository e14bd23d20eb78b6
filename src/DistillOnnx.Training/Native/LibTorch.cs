using System.Runtime.InteropServices;
using System.Runtime.Loader;
using DistillOnnx.Core;
using TorchSharp;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Brings libtorch into the process. Every entry point calls <see cref="Load"/> before it touches a tensor; nothing that
/// does not call it loads a native library.
/// </summary>
/// <remarks>
/// On most systems this is an ordinary load. TorchSharp's own library is built against a newer C++ runtime than Debian 12
/// and its contemporaries have, though it uses nothing of what is new; <see cref="VersionNeed"/> explains. Only where the
/// ordinary load has failed does the resolver here look for that one case, and it leaves every other failure as it was.
/// </remarks>
public static class LibTorch
{
    private const string BridgeName = "LibTorchSharp";
    private const string BridgeFile = "libLibTorchSharp.so";
    private static readonly Lock Gate = new();
    private static bool _loaded;
    private static string? _failure;

    /// <summary>Loads libtorch where it is not loaded yet, and sets how many threads an operation uses.</summary>
    /// <param name="threads">Threads per operation; null leaves libtorch's choice, one a core. Applied whenever it is given.</param>
    /// <exception cref="InputException">libtorch cannot be loaded on this system; the message says what is missing.</exception>
    public static void Load(int? threads = null)
    {
        if (threads is < 1) throw new InputException($"threads must be at least 1, found {threads}");
        lock (Gate)
        {
            if (!_loaded)
            {
                OpenMp.KeepIdleThreadsFromSpinning();
                AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => name == BridgeName ? LoadPatchedBridge() : IntPtr.Zero;
                RequireBridge();
                torch.InitializeDeviceType(DeviceType.CPU);
                _loaded = true;
            }

            if (threads is { } count) torch.set_num_threads(count);
        }
    }

    /// <summary>Fails with one line before TorchSharp does with a page of traces.</summary>
    private static void RequireBridge()
    {
        NativeLibrary.TryLoad("torch_cpu", typeof(torch).Assembly, null, out _);
        if (NativeLibrary.TryLoad(BridgeName, typeof(torch).Assembly, null, out _)) return;
        var file = Find(BridgeFile);
        var why = _failure
            ?? (file is null
                ? $"{BridgeFile} does not lie beside the program: build it for this system's runtime identifier"
                : PlainLoadError(file));
        throw new InputException($"libtorch cannot be loaded: {why}");
    }

    private static IntPtr LoadPatchedBridge()
    {
        if (!OperatingSystem.IsLinux() || Find(BridgeFile) is not { } original) return IntPtr.Zero;
        try
        {
            var library = File.ReadAllBytes(original);
            if (!VersionNeed.MakeWeak(library, VersionNeed.UnusedRuntimeVersion)) return IntPtr.Zero;

            // The copy lies elsewhere and would not find its neighbours; once loaded, they are found by name.
            if (Find("libtorch.so") is not { } libtorch || !NativeLibrary.TryLoad(libtorch, out _)) return IntPtr.Zero;
            return PrivateCopy.Load(BridgeFile, library);
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or DllNotFoundException or BadImageFormatException or InvalidDataException)
        {
            // An exception must not cross the runtime's resolver; it is reported when the load has failed for good.
            _failure = e.Message;
            return IntPtr.Zero;
        }
    }

    private static string PlainLoadError(string file)
    {
        try
        {
            NativeLibrary.Load(file);
            return $"{file} loads by itself but not by name";
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return e.Message.ReplaceLineEndings(" ").Trim();
        }
    }

    /// <summary>Looks where the runtime itself looks for native libraries.</summary>
    private static string? Find(string file)
    {
        var directories = new List<string>
        {
            AppContext.BaseDirectory,
            Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"),
        };
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string probing)
            directories.AddRange(probing.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        return directories.Select(d => Path.Combine(d, file)).FirstOrDefault(File.Exists);
    }
}
