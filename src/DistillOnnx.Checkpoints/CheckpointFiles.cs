using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Checkpoints;

/// <summary>Writes the files that make a directory of weights a checkpoint, so that transformers loads it unchanged.</summary>
public static class CheckpointFiles
{
    /// <summary>The weights' file name.</summary>
    public const string Weights = WeightFiles.Safetensors;

    private static JsonSerializerOptions Indented { get; } =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes <c>config.json</c> and <c>generation_config.json</c>. Keys that the toolchain has no meaning for are taken over from
    /// the checkpoint that the weights came from; those it knows are written as the configuration has them.
    /// </summary>
    /// <param name="directory">The directory to write to.</param>
    /// <param name="config">The shape of the model.</param>
    /// <param name="sourceDirectory">The checkpoint that the weights came from; null where they are new.</param>
    /// <param name="type">The element type that the weights are written in.</param>
    /// <exception cref="InputException">A file of the source is not JSON, or one cannot be written.</exception>
    public static void WriteConfig(string directory, T5Config config, string? sourceDirectory = null, TensorType type = TensorType.Float32)
    {
        var root = (sourceDirectory is null ? null : CheckpointConfig.Read(sourceDirectory, T5Config.FileName)) ?? [];
        foreach (var (key, value) in config.ToJson()) root[key] = value?.DeepClone();
        root.Remove("dtype");
        root.Remove("quantization_config");
        root["torch_dtype"] = type switch { TensorType.Float16 => "float16", TensorType.BFloat16 => "bfloat16", _ => "float32" };
        Write(Path.Combine(directory, T5Config.FileName), root);

        var generation = (sourceDirectory is null ? null : CheckpointConfig.Read(sourceDirectory, BundleFiles.GenerationConfig)) ?? [];
        generation["decoder_start_token_id"] = config.DecoderStartTokenId;
        generation["eos_token_id"] = config.OtherEndTokens.ToJson(config.EosTokenId);
        generation["pad_token_id"] = config.PadTokenId;
        Write(Path.Combine(directory, BundleFiles.GenerationConfig), generation);
    }

    /// <summary>
    /// Copies the tokenizer's files, those that are there. The list that transformers 5 calls <c>extra_special_tokens</c> gets the name
    /// that transformers 4 has for it, on which 4 fails and which 5 reads as well.
    /// </summary>
    /// <param name="from">The directory to take them from.</param>
    /// <param name="to">The directory to put them in.</param>
    /// <exception cref="InputException">A file is a link that leads out of its directory, or cannot be copied.</exception>
    public static void CopyTokenizer(string from, string to)
    {
        foreach (var name in TokenizerFiles.Names)
        {
            if (!CheckpointPath.Exists(from, name)) continue;
            try
            {
                var file = PlainFile.Require(CheckpointPath.Resolve(from, name), Path.Combine(from, name));
                file.CopyTo(Path.Combine(to, name), overwrite: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException($"{Path.Combine(from, name)}: cannot be copied to {to}: {e.Message}", e);
            }
        }

        const string NameIn4 = "additional_special_tokens", NameIn5 = "extra_special_tokens";
        var config = CheckpointConfig.Read(from, TokenizerFiles.ConfigFile);
        if (config?[NameIn5] is not JsonArray special || config.ContainsKey(NameIn4)) return;
        config.Remove(NameIn5);
        config[NameIn4] = special;
        Write(Path.Combine(to, TokenizerFiles.ConfigFile), config);
    }

    /// <summary>Writes a checkpoint's weights, bit by bit, and its configuration and tokenizer files to another directory.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="directory">The directory to write to, which must exist.</param>
    /// <exception cref="InputException">A file cannot be read or written.</exception>
    public static void Save(Checkpoint checkpoint, string directory)
    {
        var names = T5Layout.EnumerateStored(checkpoint.Config).ToDictionary(t => t.Tensor.Name, t => t.Weight, StringComparer.Ordinal);
        SafetensorsWriter.Copy(Path.Combine(directory, Weights), new RenamedTensors(checkpoint.Tensors, names), [.. names.Keys]);
        WriteConfig(directory, checkpoint.Config, checkpoint.Place.BaseDirectory, checkpoint.Tensors.Tensors[T5TensorNames.Shared].Type);
        CopyTokenizer(checkpoint.Place.TokenizerDirectory, directory);
    }

    private static void Write(string path, JsonObject root) =>
        AtomicFile.WriteAllBytes(path, System.Text.Encoding.UTF8.GetBytes(root.ToJsonString(Indented) + "\n"));
}
