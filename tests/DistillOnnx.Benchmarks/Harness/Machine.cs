using System.Globalization;
using System.Runtime.InteropServices;

namespace DistillOnnx.Benchmarks.Harness;

/// <summary>What the figures were measured on, in words.</summary>
internal static class Machine
{
    /// <summary>Processor, cores, memory, system and runtime.</summary>
    public static string Describe()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Processor()}, {Environment.ProcessorCount} cores, {memory:0} GiB, {RuntimeInformation.OSDescription}, "
            + $"{RuntimeInformation.FrameworkDescription}");
    }

    /// <summary>Resident memory of this process now, in bytes.</summary>
    public static long ResidentBytes() => Status("VmRSS:") ?? Environment.WorkingSet;

    /// <summary>Resident memory of another process now, in bytes.</summary>
    /// <param name="process">Its id.</param>
    public static long ResidentBytes(int process)
    {
        if (Status("VmRSS:", process) is { } bytes) return bytes;
        using var other = System.Diagnostics.Process.GetProcessById(process);
        return other.WorkingSet64;
    }

    /// <summary>Largest resident memory of this process so far, in bytes.</summary>
    public static long PeakResidentBytes() => Status("VmHWM:") ?? Environment.WorkingSet;

    /// <summary>Largest resident memory of another process so far, in bytes; 0 where it has ended.</summary>
    /// <param name="process">Its id.</param>
    public static long PeakResidentBytes(int process)
    {
        try
        {
            return Status("VmHWM:", process) ?? 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static string Processor()
    {
        const string info = "/proc/cpuinfo";
        var line = File.Exists(info)
            ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        var name = line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
        return Vectors(info) is { } vectors ? $"{name} ({vectors})" : name;
    }

    /// <summary>The widest vectors, and whether products of eight bits have an instruction; null where the system does not say.</summary>
    private static string? Vectors(string info)
    {
        var flags = File.Exists(info)
            ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal))?.Split(' ')
            : null;
        if (flags is null) return null;
        var width = flags.Contains("avx512f") ? "AVX-512" : flags.Contains("avx2") ? "AVX2" : "no AVX2";
        return flags.Contains("avx512_vnni") || flags.Contains("avx_vnni") ? width + ", VNNI" : width;
    }

    private static long? Status(string key, int? process = null)
    {
        var status = string.Create(
            CultureInfo.InvariantCulture,
            $"/proc/{process?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "self"}/status");
        if (!File.Exists(status)) return null;
        var line = File.ReadLines(status).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        return line is null
            ? null
            : long.Parse(
                line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), System.Globalization.CultureInfo.InvariantCulture)
                * 1024;
    }
}
