using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistillOnnx.Core;
using DistillOnnx.Core.Native;
using DistillOnnx.Core.T5;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Toolchain.Info;

/// <summary>Collects versions, devices and execution providers.</summary>
public static class InfoReport
{
    /// <summary>Collects facts about this machine and this build; loads both native engines to check that they load.</summary>
    /// <param name="cancellationToken">Stops between engines.</param>
    public static InfoResult Create(CancellationToken cancellationToken)
    {
        var torch = Engine(() => TorchInfo.Version, TorchInfo.Devices);
        cancellationToken.ThrowIfCancellationRequested();
        var runtime = Engine(() => OnnxRuntimeInfo.Version, OnnxRuntimeInfo.ExecutionProviders);
        return new InfoResult
        {
            Version = OwnVersion,
            Accelerator = Accelerator,
            Runtime = RuntimeInformation.FrameworkDescription,
            System = $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}",
            Cores = Environment.ProcessorCount,
            MemoryGib = Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30), 1),
            Vectors = System.Runtime.Intrinsics.X86.Avx512F.IsSupported ? "512 bit"
                : Vector256.IsHardwareAccelerated ? "256 bit"
                : Vector128.IsHardwareAccelerated ? "128 bit"
                : "none",
            Torch = torch,
            LibTorch = new LibTorchInfo
            {
                Source = LibTorch.IsExternal ? "external" : "package",
                Folder = torch.Loads ? LibTorch.Folder : null,
                Version = torch.Loads ? LibTorch.Version?.ToString() : null,
            },
            OnnxRuntime = runtime,
            Teachers = TeacherSpec.Kinds,
            Presets = T5Presets.Names,
            Missing = [.. Missing(torch, runtime)],
        };
    }

    private static EngineInfo Engine(Func<string> version, Func<IReadOnlyList<string>> devices)
    {
        try
        {
            return new EngineInfo { Version = version(), Loads = true, Devices = devices() };
        }
        catch (Exception e)
            when (e is InputException
                or DllNotFoundException
                or TypeInitializationException
                or NotSupportedException
                or BadImageFormatException
                or EntryPointNotFoundException)
        {
            // An input's fault names what was given; the exception within it does not.
            var fault = e is InputException ? e : e.InnerException ?? e;
            return new EngineInfo { Loads = false, Devices = [], Fault = fault.Message.ReplaceLineEndings(" ") };
        }
    }

    private static IEnumerable<string> Missing(EngineInfo torch, EngineInfo runtime)
    {
        if (!torch.Loads)
        {
            yield return LibTorch.IsExternal
                ? "training: libtorch does not load; name an installed PyTorch's lib folder with --libtorch DIR or "
                    + $"{LibTorchFolder.Variable}"
                : "training: libtorch does not load; the package ships it for Linux x64 with glibc, Windows x64 and macOS arm64";
        }

        if (!runtime.Loads) yield return "inference: ONNX Runtime does not load; restore again for this system's runtime identifier";
        if (Accelerator == "cpu")
            yield return "CUDA: this is the cpu build; build with -p:Accelerator=cuda on a machine with an NVIDIA driver";
        else if (!torch.Devices.Any(d => d.StartsWith("cuda", StringComparison.Ordinal)))
            yield return "CUDA: built for it, but no GPU is visible; check nvidia-smi, the driver and CUDA_VISIBLE_DEVICES";
        else if (!runtime.Devices.Contains("CUDAExecutionProvider"))
            yield return "CUDA inference: ONNX Runtime lists no CUDAExecutionProvider; restore again for this system's runtime identifier";
    }

    private static string OwnVersion =>
        typeof(InfoReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "unknown";

#if ACCELERATOR_CUDA
    private static readonly string Accelerator = "cuda";
#else
    private static readonly string Accelerator = "cpu";
#endif
}
