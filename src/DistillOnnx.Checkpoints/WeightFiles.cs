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

    private const int MostNamed = 6;

    private static readonly string[] Foreign = ["tf_model.h5", "flax_model.msgpack", "model.ckpt.index", "rust_model.ot"];

    /// <summary>Opens the weights in the order in which the reference looks for them.</summary>
    /// <param name="directory">The checkpoint directory.</param>
    /// <param name="notes">Receives a line where there are other weights, which are not read.</param>
    /// <returns>The tensors under the names of their file, the file to name in messages, and the files that hold the tensors.</returns>
    public static (ITensorSource Source, string File, IReadOnlyList<string> Read) Open(string directory, List<string> notes)
    {
        foreach (var name in (string[])[Safetensors, SafetensorsIndex, PyTorch, PyTorchIndex])
        {
            if (!CheckpointPath.Exists(directory, name)) continue;
            var path = Path.Combine(directory, name);
            var real = CheckpointPath.Resolve(directory, name);
            ITensorSource source = name switch
            {
                Safetensors => SafetensorsFile.Open(real),
                SafetensorsIndex => ShardedTensors.Open(directory, name, ".safetensors", SafetensorsFile.Open),
                PyTorch => PyTorchFile.Open(real),
                _ => ShardedTensors.Open(directory, name, ".bin", PyTorchFile.Open),
            };
            IReadOnlyList<string> read = source is ShardedTensors sharded ? [.. sharded.Files] : [name];
            NoteUnused(directory, name, read, notes);
            return (source, path, [.. read.Select(f => Path.Combine(directory, f))]);
        }

        var foreign = Foreign.FirstOrDefault(f => File.Exists(Path.Combine(directory, f)));
        throw new InputException(
            $"{directory}: no weights; expected {Safetensors} or {PyTorch}, whole or "
                + $"sharded{(foreign is null ? "" : $", found {foreign}, which is of another framework")}");
    }

    private static void NoteUnused(string directory, string name, IReadOnlyList<string> read, List<string> notes)
    {
        List<string> unused;
        try
        {
            unused = [.. Directory.EnumerateFiles(directory).Select(f => Path.GetFileName(f)).Where(IsWeights)
                .Where(f => f != name && !read.Contains(f, StringComparer.Ordinal)).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Files of a directory that may not be listed can be read all the same.
            return;
        }

        if (unused.Count == 0) return;
        notes.Add(
            $"{directory}: not used, for the weights are read from {name}: "
            + string.Join(", ", unused.Take(MostNamed).Select(InputText.Show))
            + (unused.Count > MostNamed ? $" and {unused.Count - MostNamed} more" : ""));
    }

    private static bool IsWeights(string file) =>
        (file.StartsWith("model", StringComparison.Ordinal) && file.EndsWith(".safetensors", StringComparison.Ordinal))
        || (file.StartsWith("pytorch_model", StringComparison.Ordinal) && file.EndsWith(".bin", StringComparison.Ordinal))
        || file is SafetensorsIndex or PyTorchIndex
        || Foreign.Contains(file, StringComparer.Ordinal);
}
