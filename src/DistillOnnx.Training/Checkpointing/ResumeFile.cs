using System.Runtime.InteropServices;
using System.Text.Json;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Checkpointing;

/// <summary>
/// <c>resume/state.safetensors</c>: weights and optimizer state as tensors, everything else as JSON in the file's notes. One file,
/// so that one rename replaces all of it.
/// </summary>
internal static class ResumeFile
{
    /// <summary>Directory and file within a checkpoint.</summary>
    public const string RelativePath = "resume/state.safetensors";

    private const string StateNote = "state";
    private const string FingerprintNote = "options";
    private const string Weights = "weights";
    private const int Piece = 4 << 20;

    /// <summary>Whether a checkpoint directory holds a state.</summary>
    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, RelativePath));

    /// <summary>Keeps the state to this process.</summary>
    /// <returns>Releases it.</returns>
    /// <exception cref="InputException">Another process has it.</exception>
    public static IDisposable Hold(string directory) =>
        DirectoryLock.Hold(Path.Combine(Path.GetDirectoryName(Path.Combine(directory, RelativePath))!, "lock"));

    /// <summary>Writes the state.</summary>
    public static void Save(
        string directory, TrainingState state, string fingerprint, Tensor weights, IReadOnlyDictionary<string, Tensor> optimizer)
    {
        var path = Path.Combine(directory, RelativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var tensors = Tensors(weights, optimizer);
        var notes = new Dictionary<string, string>
        {
            [StateNote] = JsonSerializer.Serialize(state, TrainingJson.Compact),
            [FingerprintNote] = fingerprint,
        };
        using var writer = SafetensorsWriter.Create(
            path, [.. tensors.Select(t => new TensorInfo(t.Name, TensorType.Float32, [t.Tensor.numel()]))], notes);
        foreach (var (name, tensor) in tensors)
        {
            ForEachPiece(tensor, (piece, _) =>
            {
                using var host = piece.cpu();
                writer.Write(name, MemoryMarshal.Cast<byte, float>(host.bytes));
            });
        }

        writer.Complete();
    }

    /// <summary>The options that a saved state was made with.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static string Fingerprint(string directory)
    {
        var path = Path.Combine(directory, RelativePath);
        using var file = SafetensorsFile.Open(path);
        return file.Metadata.TryGetValue(FingerprintNote, out var text) ? text
            : throw new InputException($"{path}: the note \"{FingerprintNote}\" is missing; not a state of this program");
    }

    /// <summary>Reads the state.</summary>
    /// <exception cref="InputException">The file is damaged or of another model.</exception>
    public static TrainingState Load(string directory, Tensor weights, IReadOnlyDictionary<string, Tensor> optimizer)
    {
        var path = Path.Combine(directory, RelativePath);
        using var file = SafetensorsFile.Open(path);
        using var off = no_grad();
        foreach (var (name, tensor) in Tensors(weights, optimizer))
        {
            if (!file.Tensors.TryGetValue(name, out var info) || info.ElementCount != tensor.numel())
                throw new InputException(
                    $"{path}: tensor \"{name}\": expected {tensor.numel()} values, found {(info is null ? "none" : info.ElementCount)}");
            ForEachPiece(tensor, (piece, offset) =>
            {
                using var host = empty(piece.numel(), dtype: ScalarType.Float32);
                file.ReadFloat32(name, MemoryMarshal.Cast<byte, float>(host.bytes), offset);
                using var copied = piece.copy_(host);
            });
        }

        if (!file.Metadata.TryGetValue(StateNote, out var text))
            throw new InputException($"{path}: the note \"{StateNote}\" is missing; not a state of this program");
        try
        {
            return JsonSerializer.Deserialize<TrainingState>(text, TrainingJson.Compact)
                ?? throw new InputException($"{path}: the note \"{StateNote}\" is empty");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: the note \"{StateNote}\" is damaged: {e.Message}", e);
        }
    }

    /// <summary>Removes the state.</summary>
    public static void Delete(string directory)
    {
        var resume = Path.GetDirectoryName(Path.Combine(directory, RelativePath))!;
        if (Directory.Exists(resume)) Directory.Delete(resume, recursive: true);
    }

    private static List<(string Name, Tensor Tensor)> Tensors(Tensor weights, IReadOnlyDictionary<string, Tensor> optimizer) =>
        [(Weights, weights), .. optimizer.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => ($"optimizer.{o.Key}", o.Value))];

    private static void ForEachPiece(Tensor tensor, Action<Tensor, long> action)
    {
        for (long offset = 0, count = tensor.numel(); offset < count; offset += Piece)
        {
            using var piece = tensor.narrow(0, offset, Math.Min(Piece, count - offset));
            action(piece, offset);
        }
    }
}
