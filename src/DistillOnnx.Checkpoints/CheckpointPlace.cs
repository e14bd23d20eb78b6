using DistillOnnx.Checkpoints.Adapters;
using DistillOnnx.Core;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.Checkpoints;

/// <summary>The directories of a checkpoint: one, or for an adapter its own and its base's.</summary>
public sealed class CheckpointPlace
{
    private CheckpointPlace(string directory, string baseDirectory, AdapterConfig? adapter)
    {
        Directory = directory;
        BaseDirectory = baseDirectory;
        Adapter = adapter;
    }

    /// <summary>The directory that was named.</summary>
    public string Directory { get; }

    /// <summary>Where the configuration and the whole weights are: the directory itself, or an adapter's base.</summary>
    public string BaseDirectory { get; }

    /// <summary>Where the tokenizer is: the directory itself, or the base where an adapter comes without one.</summary>
    public string TokenizerDirectory =>
        Adapter is null || TokenizerFiles.Names.Any(n => CheckpointPath.Exists(Directory, n)) ? Directory : BaseDirectory;

    /// <summary>Whether the directory holds a LoRA adapter.</summary>
    public bool IsAdapter => Adapter is not null;

    internal AdapterConfig? Adapter { get; }

    /// <summary>
    /// Finds the directories. Of an adapter's own words, a path is followed only into its directory or, where it is absolute, as it
    /// stands.
    /// </summary>
    /// <param name="directory">A checkpoint's or an adapter's directory.</param>
    /// <param name="baseDirectory">The adapter's base; null: the one that the adapter names.</param>
    /// <exception cref="InputException">A directory is missing, or the base cannot be told.</exception>
    public static CheckpointPlace Find(string directory, string? baseDirectory = null)
    {
        if (!System.IO.Directory.Exists(directory)) throw new InputException($"{directory}: no such directory; expected a checkpoint");
        if (!CheckpointPath.Exists(directory, AdapterConfig.FileName))
        {
            return baseDirectory is null
                ? new CheckpointPlace(directory, directory, null)
                : throw new InputException($"{directory}: --base is for adapters, and there is no {AdapterConfig.FileName}");
        }

        var adapter = AdapterConfig.Load(directory);
        var found = baseDirectory ?? Named(directory, adapter.BaseModel);
        if (!System.IO.Directory.Exists(found))
            throw new InputException($"{found}: no such directory; expected the base of the adapter {directory}");
        if (CheckpointPath.Exists(found, AdapterConfig.FileName) && !SameDirectory(found, directory))
            throw new InputException($"{found}: an adapter, too; expected the whole model that {directory} was trained on");
        return new CheckpointPlace(directory, found, adapter);
    }

    private static bool SameDirectory(string a, string b) =>
        Path.TrimEndingDirectorySeparator(Path.GetFullPath(a)) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(b));

    private static string Named(string directory, string? name)
    {
        var path = Path.Combine(directory, AdapterConfig.FileName);
        if (string.IsNullOrEmpty(name) || name.Contains('\0'))
            throw new InputException($"{path}: names no base; name its directory with --base");
        var missing = $"{path}: the base \"{InputText.Show(name)}\" is not in the adapter's directory; name its directory with --base";
        if (Path.IsPathRooted(name))
            return System.IO.Directory.Exists(name) && File.Exists(Path.Combine(name, T5Config.FileName))
                ? name
                : throw new InputException(missing);
        return CheckpointPath.ResolveDirectory(directory, name) ?? throw new InputException(missing);
    }
}
