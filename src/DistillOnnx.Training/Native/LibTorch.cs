using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Runtime.Versioning;
using DistillOnnx.Core;
using DistillOnnx.Core.Native;
using TorchSharp;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Brings libtorch into the process. Every entry point calls <see cref="Load"/> before it touches a tensor; nothing that
/// does not call it loads a native library.
/// </summary>
/// <remarks>
/// <para>
/// A build with <c>-p:LibTorch=external</c> brings no libtorch. It takes that of an installed PyTorch, <see cref="LibTorchFolder"/>, and
/// loads it by full path with everything that it needs before TorchSharp asks for it by name.
/// </para>
/// <para>
/// On most systems this is an ordinary load. TorchSharp's own library is built against a newer C++ runtime than Debian 12
/// and its contemporaries have, though it uses nothing of what is new; <see cref="VersionNeed"/> explains. Only where the
/// ordinary load has failed does the resolver here look for that one case, and it leaves every other failure as it was.
/// </para>
/// </remarks>
public static class LibTorch
{
    private const string BridgeName = "LibTorchSharp";
    private const string BridgeFile = "libLibTorchSharp.so";
    private const string LibTorchFile = "libtorch.so";
    private const string CpuFile = "libtorch_cpu.so";
    private static readonly Lock Gate = new();
    private static bool _resolves;
    private static bool _loaded;
    private static string? _failure;

    /// <summary>Whether this build brings no libtorch and uses that of an installed PyTorch.</summary>
    public static bool IsExternal { get; } =
#if LIBTORCH_EXTERNAL
        true;
#else
        false;
#endif

    /// <summary>The folder that libtorch was loaded from; null before it is loaded, and where that cannot be told.</summary>
    public static string? Folder { get; private set; }

    /// <summary>The version of the libtorch that was loaded; null before it is loaded, and where that cannot be told.</summary>
    public static Version? Version { get; private set; }

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
                TorchEnvironment.SetDefaults();
                if (IsExternal) LoadExternal();
                else if (LibTorchFolder.Path is { } named) throw Unused(named);
                ResolveBridge();
                RequireBridge();
                torch.InitializeDeviceType(DeviceType.CPU);
                _loaded = true;
            }

            if (threads is { } count) torch.set_num_threads(count);
        }
    }

    private static void ResolveBridge()
    {
        if (_resolves) return;
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => name == BridgeName ? LoadPatchedBridge() : IntPtr.Zero;
        _resolves = true;
    }

    private static InputException Unused(string folder) => new(
        $"libtorch of {folder}: this build brings its own; leave --libtorch and {LibTorchFolder.Variable} out, "
        + "or build with -p:LibTorch=external");

    /// <summary>Loads the libtorch of an installed PyTorch, and sees that it fits.</summary>
    private static void LoadExternal()
    {
        if (!OperatingSystem.IsLinux())
            throw new InputException("the libtorch of an installed PyTorch is used on Linux only; build with -p:LibTorch=package");
        var folder = LibTorchFolder.Path ?? throw new InputException(
            $"this build brings no libtorch; name the lib folder of an installed PyTorch with --libtorch DIR or {LibTorchFolder.Variable}");
        var library = Path.Combine(folder, LibTorchFile);
        if (!File.Exists(library))
        {
            throw new InputException(
                $"{folder}: no {LibTorchFile} there; expected the lib folder of an installed PyTorch (…/site-packages/torch/lib)");
        }

        try
        {
            SharedLibraries.OpenNeeds(library, LibTorchFolder.Libraries(folder));
            SharedLibraries.Open(library);
            Folder = folder;
            Version = LibTorchVersion.Of(SharedLibraries.Open(Path.Combine(folder, CpuFile)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException or InvalidDataException)
        {
            throw new InputException($"{folder}: libtorch cannot be loaded: {e.Message}", e);
        }

        LibTorchVersion.Require(Version, folder);
        RequireSymbols(folder);
    }

    /// <summary>
    /// Asks whether libtorch has every function that TorchSharp's library calls. The runtime loads that library later, in a way that finds
    /// a missing one only when it is called, and then ends the process.
    /// </summary>
    [SupportedOSPlatform("linux")]
    private static void RequireSymbols(string folder)
    {
        if (SharedLibraries.Find(BridgeFile) is not { } bridge) return;
        try
        {
            SharedLibraries.Open(bridge);
        }
        catch (DllNotFoundException e) when (!e.Message.Contains(VersionNeed.UnusedRuntimeVersion, StringComparison.Ordinal))
        {
            throw new InputException($"{folder}: libtorch {Version} does not fit TorchSharp {TorchInfo.Version}: {e.Message}", e);
        }
        catch (DllNotFoundException)
        {
            // The case of the resolver, which loads its copy in the same way.
        }
    }

    /// <summary>Fails with one line before TorchSharp does with a page of traces.</summary>
    private static void RequireBridge()
    {
        NativeLibrary.TryLoad("torch_cpu", typeof(torch).Assembly, null, out var library);
        if (NativeLibrary.TryLoad(BridgeName, typeof(torch).Assembly, null, out _))
        {
            if (IsExternal) return;
            Folder = Path.GetDirectoryName(SharedLibraries.Find(CpuFile));
            Version = library == IntPtr.Zero ? null : LibTorchVersion.Of(library);
            return;
        }

        var file = SharedLibraries.Find(BridgeFile);
        var why = _failure
            ?? (file is null
                ? $"{BridgeFile} does not lie beside the program: build it for this system's runtime identifier"
                : PlainLoadError(file));
        throw new InputException($"libtorch cannot be loaded: {why}");
    }

    private static IntPtr LoadPatchedBridge()
    {
        if (!OperatingSystem.IsLinux() || SharedLibraries.Find(BridgeFile) is not { } original) return IntPtr.Zero;
        try
        {
            var library = File.ReadAllBytes(original);
            if (!VersionNeed.MakeWeak(library, VersionNeed.UnusedRuntimeVersion)) return IntPtr.Zero;

            // The copy lies elsewhere and would not find its neighbours; once loaded, they are found by name.
            var found = IsExternal || (SharedLibraries.Find(LibTorchFile) is { } libtorch && NativeLibrary.TryLoad(libtorch, out _));
            if (!found) return IntPtr.Zero;
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
}
