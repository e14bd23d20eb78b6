using DistillOnnx.Checkpoints.PyTorch;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>Finds and opens the weights of a checkpoint directory.</summary>
internal static class WeightFiles
{
    public const string Safetensors = "model.safetensors";
    public const string SafetensorsIndex = "model.safetensors.index.json";
    public const string PyTorch = "pytorch_model.bin";
    public const string PyTorchIndex = "pytorch_model.bin.index.json";

    private static readonly string[] Foreign = ["tf_model.h5", "flax_model.msgpack", "model.ckpt.index", "rust_model.ot"];

    /// <summary>Opens the weights in the order in which the reference looks for them.</summary>
    /// <returns>The tensors under the names of their file, and the file to name in messages.</returns>
    public static (ITensorSource Source, string File) Open(string directory)
    {
        foreach (var name in (string[])[Safetensors, SafetensorsIndex, PyTorch, PyTorchIndex])
        {
            if (!CheckpointPath.Exists(directory, name)) continue;
            var path = Path.Combine(directory, name);
            var real = CheckpointPath.Resolve(directory, name);
            return (name switch
            {
                Safetensors => SafetensorsFile.Open(real),
                SafetensorsIndex => ShardedTensors.Open(directory, name, ".safetensors", SafetensorsFile.Open),
                PyTorch => PyTorchFile.Open(real),
                _ => ShardedTensors.Open(directory, name, ".bin", PyTorchFile.Open),
            }, path);
        }

        var foreign = Foreign.FirstOrDefault(f => File.Exists(Path.Combine(directory, f)));
        throw new InputException(
            $"{directory}: no weights; expected {Safetensors} or {PyTorch}, whole or "
                + $"sharded{(foreign is null ? "" : $", found {foreign}, which is of another framework")}");
    }
}
