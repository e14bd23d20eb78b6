namespace DistillOnnx.TestSupport;

/// <summary>Finds other programs that tests and benchmarks run.</summary>
internal static class ProgramPath
{
    /// <summary>The first of some programs that is on the PATH; null where none is.</summary>
    /// <param name="names">Their names, without an extension.</param>
    public static string? Find(params string[] names) =>
        (from name in names
         from directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
         where directory.Length > 0
         let path = Path.Combine(directory, OperatingSystem.IsWindows() ? name + ".exe" : name)
         where File.Exists(path)
         select path).FirstOrDefault();
}
