using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Checkpoints;

/// <summary>Reads <c>config.json</c> and <c>generation_config.json</c> of a checkpoint together.</summary>
internal static class CheckpointConfig
{
    private const long LongestFile = 16 << 20;

    /// <summary>The shape of the model, and what the configuration says of its head.</summary>
    /// <param name="directory">The checkpoint directory.</param>
    /// <param name="notes">Receives a line for each key that is not used and might be missed.</param>
    /// <exception cref="InputException">A file is missing or malformed, or asks for a model that is not read here.</exception>
    public static (T5Config Config, T5HeadKeys Keys) Load(string directory, List<string> notes)
    {
        var path = Path.Combine(directory, T5Config.FileName);
        var root = Read(directory, T5Config.FileName)
            ?? throw new InputException($"{path}: no such file; expected a T5 configuration ({T5Config.FileName})");
        var config = T5ConfigJson.Parse(root, path);
        T5ConfigKeys.Review(root, path, notes);
        var keys = T5ConfigJson.HeadKeys(root);
        if (Read(directory, BundleFiles.GenerationConfig) is not { } generation) return (config, keys);
        path = Path.Combine(directory, BundleFiles.GenerationConfig);
        T5ConfigKeys.Review(generation, path, notes);
        return (T5ConfigKeys.WithGeneration(config, root, generation, path), keys);
    }

    /// <summary>A JSON file of the directory; null where there is none.</summary>
    /// <exception cref="InputException">It is not a regular file with a JSON object, or leads out of the directory.</exception>
    public static JsonObject? Read(string directory, string name)
    {
        if (!CheckpointPath.Exists(directory, name)) return null;
        var path = Path.Combine(directory, name);
        var real = CheckpointPath.Resolve(directory, name);
        return File.Exists(real) ? T5ConfigJson.ParseObject(PlainFile.Read(real, LongestFile, path), path) : null;
    }
}
