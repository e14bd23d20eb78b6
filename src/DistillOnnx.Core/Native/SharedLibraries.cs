using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace DistillOnnx.Core.Native;

/// <summary>
/// Loads shared libraries by their full path, each after those that it links to. The system's loader takes a library that is
/// loaded already wherever one of its name is asked for; so nothing has to be copied beside the program, and no search path has to be
/// set before it starts.
/// </summary>
internal static partial class SharedLibraries
{
    // dlopen's RTLD_NOW, with symbols that stay local: ONNX Runtime and libtorch both carry parts of the same names.
    private const int ResolveNow = 2;

    /// <summary>Looks for a file where the runtime itself looks for native libraries.</summary>
    /// <param name="file">The library's file name.</param>
    /// <returns>The path, or null.</returns>
    public static string? Find(string file)
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

    /// <summary>
    /// Loads a library with all its symbols resolved, so that one that does not fit is found here and not in the middle of its use.
    /// <see cref="NativeLibrary"/> resolves each function at its first call.
    /// </summary>
    /// <param name="path">The library's full path.</param>
    /// <returns>The native handle.</returns>
    /// <exception cref="DllNotFoundException">The system refuses it; the message is the system's, on one line.</exception>
    [SupportedOSPlatform("linux")]
    public static IntPtr Open(string path)
    {
        // Clears an earlier error, and binds the function: done after a failure, that would lose its message.
        LastError();
        var handle = OpenLibrary(path, ResolveNow);
        return handle != IntPtr.Zero
            ? handle
            : throw new DllNotFoundException((Marshal.PtrToStringUTF8(LastError()) ?? $"{path}: cannot be loaded").ReplaceLineEndings(" "));
    }

    /// <summary>
    /// The libraries that one needs and that lie in the given folders, each once and after those that it needs itself. What lies in none of
    /// them is left to the system.
    /// </summary>
    /// <param name="path">A library.</param>
    /// <param name="folders">Folders, the first that has a file of the name counts.</param>
    /// <returns>Full paths, without <paramref name="path"/> itself.</returns>
    /// <exception cref="InvalidDataException">A file is not an ELF library.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static IReadOnlyList<string> Needs(string path, IReadOnlyList<string> folders)
    {
        var order = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal) { Path.GetFileName(path) };
        Visit(path);
        return order;

        void Visit(string library)
        {
            foreach (var name in ElfNeeds.Read(library))
            {
                if (!seen.Add(name) || folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists) is not { } needed) continue;
                Visit(needed);
                order.Add(needed);
            }
        }
    }

    /// <summary>
    /// Loads what a library needs out of the given folders. One that uses symbols of libraries which it does not name is left out: the
    /// system loads it with the library that needs both. Whatever is still missing then is told by the load of that library.
    /// </summary>
    /// <param name="path">A library, which is not loaded itself.</param>
    /// <param name="folders">Folders, the first that has a file of the name counts.</param>
    /// <exception cref="DllNotFoundException">The system refuses one of them for another reason.</exception>
    /// <exception cref="InvalidDataException">A file is not an ELF library.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    [SupportedOSPlatform("linux")]
    public static void OpenNeeds(string path, IReadOnlyList<string> folders)
    {
        foreach (var needed in Needs(path, folders))
        {
            try
            {
                Open(needed);
            }
            catch (DllNotFoundException e) when (e.Message.Contains("undefined symbol", StringComparison.Ordinal))
            {
                // PyTorch's libtorch_nvshmem.so is one: it uses libc10_cuda.so, which only libtorch_cuda.so names.
            }
        }
    }

    [LibraryImport("libdl.so.2", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial IntPtr OpenLibrary(string path, int flags);

    [LibraryImport("libdl.so.2", EntryPoint = "dlerror")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial IntPtr LastError();
}
