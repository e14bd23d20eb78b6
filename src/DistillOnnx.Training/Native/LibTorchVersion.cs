using System.Runtime.InteropServices;
using DistillOnnx.Core;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Which libtorch is loaded and whether TorchSharp's own library fits it. That library is compiled against one version's C++ headers, and
/// their layouts may change from one minor version to the next without a symbol that goes missing; so a version counts only when
/// it has been tried.
/// </summary>
internal static class LibTorchVersion
{
    private const string VersionFunction = "aoti_torch_abi_version";

    /// <summary>TorchSharp 0.107 is compiled for the first; the test suite's reference values were met with the last as well.</summary>
    private static readonly (Version First, Version Last) Tried = (new Version(2, 10), new Version(2, 11));

    /// <summary>The version that a loaded library tells.</summary>
    /// <param name="library">Handle of libtorch's CPU library.</param>
    /// <returns>The version; null: it is one of the old ones that do not tell.</returns>
    public static unsafe Version? Of(IntPtr library)
    {
        if (!NativeLibrary.TryGetExport(library, VersionFunction, out var function)) return null;

        // The highest three bytes are major, minor and patch.
        var packed = ((delegate* unmanaged<ulong>)function)();
        return new Version((byte)(packed >> 56), (byte)(packed >> 48), (byte)(packed >> 40));
    }

    /// <summary>Refuses a version that TorchSharp's library was not tried with.</summary>
    /// <param name="version">What the library tells.</param>
    /// <param name="folder">Where it lies, for the message.</param>
    /// <exception cref="InputException">It does not fit.</exception>
    public static void Require(Version? version, string folder)
    {
        var minor = version is null ? null : new Version(version.Major, version.Minor);
        if (minor >= Tried.First && minor <= Tried.Last) return;
        throw new InputException(
            $"{folder}: libtorch {version?.ToString() ?? "of an old version"} does not fit TorchSharp {TorchInfo.Version}; "
            + $"expected {Tried.First} to {Tried.Last}");
    }
}
